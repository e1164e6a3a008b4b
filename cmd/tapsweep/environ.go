package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch"
)

// prefix begins the names of the environment variables that stand in for flags.
const prefix = "TAPSWEEP_"

// variable is the environment variable that stands in for a flag.
func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// withVariables has the commands take flags from the environment, too: a flag on the
// command line counts, then its variable, then its default.
func (a *app) withVariables(commands []*cobra.Command) {
	for _, cmd := range commands {
		args := cmd.Args
		cmd.Args = func(cmd *cobra.Command, rest []string) error { // it comes after the flags, and before they are compared
			if err := a.fromVariables(cmd); err != nil {
				return err
			}
			if err := args(cmd, rest); err != nil {
				return err
			}
			if err := checkMetrics(a.metricsFile(cmd), cmd.Name()); err != nil {
				return err
			}
			a.command.Store(cmd)
			return a.checkReplaced(cmd, rest)
		}
	}
}

// instead lists the flags that, on the command line, override the variable of another flag.
// A variable that names users must not add users to those that the command line names. All
// other scope variables count beside typed scope flags, because they make the scope smaller or
// are refused: a filter beside --all-users, for example, or a date.
var instead = map[string][]string{
	"overwrite": {"resume", "evidence"},
	"resume":    {"overwrite"},
	"results":   {"evidence"},
	"evidence":  {"results", "overwrite"},
	"all-users": {"group", "user", "users"},
	"filter":    {"group", "user", "users"},
	"group":     places, "user": places, "users": places,
}

// places are the flags that name users.
var places = []string{"all-users", "filter", "group", "user", "users"}

// typedOnly marks a flag that has no variable. TAPSWEEP_USER may be set for check, which only
// reads. It must not name a user whose pass revoke deletes.
func typedOnly(fl *pflag.FlagSet, name string) {
	f := fl.Lookup(name)
	f.Annotations = map[string][]string{"typed-only": nil}
}

func isTypedOnly(f *pflag.Flag) bool {
	_, ok := f.Annotations["typed-only"]
	return ok
}

// fromVariables sets the flags that the command line does not, and adds them to what
// a results log keeps as the command: whoever reads it, or goes on, may have others.
// Lists of protected users add up.
func (a *app) fromVariables(cmd *cobra.Command) (err error) {
	typed := make(map[string]bool)
	cmd.Flags().Visit(func(f *pflag.Flag) { typed[f.Name] = true })
	var given []string
	takes := false
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		takes = takes || f.Name != "help"
		text, set := os.LookupEnv(variable(f.Name))
		value := spelled(f, text)
		switch {
		case !set || f.Name == "help", value == "" && (text != "" || slices.Contains(emptyIsNone, f.Name)):
			return
		case typed[f.Name] && f.Name != "protect":
			a.overridden = append(a.overridden, f.Name)
			return
		case isTypedOnly(f):
			a.say("warning: %s does not count for %s: give --%s on the command line", variable(f.Name), cmd.Name(), f.Name)
			return
		}
		if i := slices.IndexFunc(instead[f.Name], func(other string) bool { return typed[other] }); i >= 0 {
			a.say("warning: %s does not count beside --%s", variable(f.Name), instead[f.Name][i])
			return
		}
		if typed["created-since"] && slices.Contains(places, f.Name) {
			a.say("%s counts beside --created-since: the audit log is not searched", variable(f.Name))
		}
		if failed := cmd.Flags().Set(f.Name, value); failed != nil {
			others, _, _ := takers(f.Name, value)
			if cmd.Name() == "check" && others != nil {
				return // which lists what others go by
			}
			if wrong, ok := errors.AsType[*valueError](failed); ok {
				failed = wrong
			}
			if errors.Is(failed, errEmpty) {
				err = cmp.Or(err, refuse(fmt.Errorf("%s %w", variable(f.Name), errEmpty)))
				return
			}
			var hints []string
			if others != nil {
				hints = []string{fmt.Sprintf("it is for %s; here give --%s, or clear the variable", strings.Join(others, ", "), f.Name)}
			}
			if err == nil { // --metrics-file may follow
				err = refuse(fmt.Errorf("%s: %w", variable(f.Name), failed), hints...)
			}
			return
		}
		given = append(given, "--"+f.Name+"="+value)
		a.variables = append(a.variables, variable(f.Name))
	})
	if takes && cmd.Name() != "check" { // check lists them
		err = cmp.Or(err, misspelt())
	}
	at := slices.Index(a.args, cmd.Name()) + 1
	a.args = slices.Insert(slices.Clone(a.args), at, given...)
	return err
}

// spelled is the value of a variable as the flag has it: one that may stand alone is a
// switch then.
func spelled(f *pflag.Flag, value string) string {
	switch alone := f.NoOptDefVal; {
	case alone == "" || f.Value.Type() == "bool":
	case value == "true":
		return alone
	case value == "false":
		return ""
	}
	return value
}

// takers are the commands that take a value for their flag of a name, and those that
// refuse it. What a flag means may differ: simulate counts users, scan reads a list.
func takers(flag, value string) (taking, refusing []string, problem error) {
	for _, cmd := range (&app{}).rootCommand().Commands() {
		f := cmd.Flags().Lookup(flag)
		if f == nil || isTypedOnly(f) {
			continue
		}
		if err := f.Value.Set(spelled(f, value)); err != nil {
			refusing, problem = append(refusing, cmd.Name()), err
			continue
		}
		taking = append(taking, cmd.Name())
	}
	return taking, refusing, problem
}

// A setting is an environment variable that is set and begins like ours.
type setting struct {
	Variable string   `json:"variable"`
	Value    string   `json:"value,omitempty"`    // only of a flag: no secret is in one
	Commands []string `json:"commands,omitempty"` // that take it, or refuse it if none does
	Problem  string   `json:"problem,omitempty"`
	Flag     string   `json:"overriddenBy,omitempty"` // a flag of this check

	misspelt bool // no flag has such a variable
}

// settings are the variables that this check, or another command, would go by.
func (a *app) settings() (list []setting) {
	for _, entry := range ours() {
		name, value, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" { // names are case-insensitive there
			name = strings.ToUpper(name)
		}
		s := setting{Variable: batch.Printable(name)}
		flag := strings.ToLower(strings.ReplaceAll(name[len(prefix):], "_", "-"))
		if value == "" && slices.Contains(emptyIsNone, flag) {
			continue
		}
		taking, refusing, problem := takers(flag, value)
		switch {
		case variable(flag) != name || taking == nil && refusing == nil:
			s.Problem, s.misspelt = unknownVariable(name), true
		case flag == "graph-url" && checkRoot(value) != nil: // which may hold a password
			s.Problem = checkRoot(value).Error()
		case taking != nil:
			s.Value, s.Commands = batch.Printable(value), taking
		default:
			s.Value, s.Commands, s.Problem = batch.Printable(value), refusing, batch.Printable(strings.TrimPrefix(problem.Error(), "is "))
		}
		if slices.Contains(a.overridden, flag) {
			s.Flag = "--" + flag
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y setting) int { return cmp.Compare(x.Variable, y.Variable) })
	return list
}

// printSettings prints where flags come from, if any comes from a variable.
func printSettings(w io.Writer, list []setting) {
	if len(list) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\nvariable\tvalue\tfor\n")
	for _, s := range list {
		what := strings.Join(s.Commands, ", ")
		if s.Flag != "" {
			what += "; here " + s.Flag + " counts"
		}
		if s.Problem != "" {
			what = strings.TrimPrefix(what+": "+s.Problem, ": ")
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Variable, s.Value, what)
	}
	tw.Flush()
}

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/status"
)

// prefix begins the names of the environment variables that set flags.
const prefix = "TAPSWEEP_"

// variable returns the name of the environment variable for a flag.
func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// hasVariable marks flags that an environment variable can set: those that mean the same in
// every command that has them, and neither select what to revoke nor allow more than the
// command line does.
func hasVariable(fl *pflag.FlagSet, names ...string) {
	for _, name := range names {
		fl.SetAnnotation(name, "environment", nil) // fails for a flag that does not exist
	}
}

// A setting is an environment variable that sets a flag.
type setting struct {
	variable, value, flag string   // no flag takes a secret
	commands              []string // that have the flag
}

// environment returns the settings in an environment. The error lists each variable with our
// prefix that sets no flag, or whose value its flag does not accept. A variable without a value
// is an error as well, because an empty guard would silently do nothing, except for the flags
// in emptyIsNone. Variables of overridden flags are left out: their values do not matter.
func environment(environ []string, overridden ...string) (list []setting, err error) {
	settable, typed := make(map[string]*pflag.Flag), make(map[string]bool)
	commands := make(map[string][]string)
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, ok := f.Annotations["environment"]; ok {
				settable[variable(f.Name)] = f
				commands[f.Name] = append(commands[f.Name], cmd.Name())
			} else {
				typed[variable(f.Name)] = true
			}
		})
	}
	var wrong []string
	for _, entry := range ours(environ) {
		name, value, _ := strings.Cut(entry, "=")
		if runtime.GOOS == "windows" { // names are case-insensitive there
			name = strings.ToUpper(name)
		}
		f := settable[name]
		switch {
		case f == nil:
			wrong = append(wrong, safetext.Printable(name)+" is "+unknownVariable(name, typed, settable))
		case slices.Contains(overridden, f.Name):
		case value == "" && slices.Contains(emptyIsNone, f.Name):
		default:
			if err := f.Value.Set(value); errors.Is(err, errEmpty) {
				wrong = append(wrong, fmt.Sprintf("%s %v", name, err))
			} else if err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: %v", name, err))
			} else {
				list = append(list, setting{name, value, f.Name, slices.Sorted(slices.Values(commands[f.Name]))})
			}
		}
	}
	slices.Sort(wrong)
	slices.SortFunc(list, func(x, y setting) int { return cmp.Compare(x.variable, y.variable) })
	if len(wrong) > 0 {
		return list, status.Refuse(errors.New(strings.Join(wrong, "\n")),
			"unset it, or correct it; tapsweep check lists the variables that are set")
	}
	return list, nil
}

// setFromEnvironment sets the flags of a command that the command line does not set. Lists of
// protected users from both add up. Flags that it sets are added to the arguments that the
// results log keeps, because the run that resumes it may have another environment.
func (p *program) setFromEnvironment(cmd *cobra.Command) error {
	var overridden []string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "protect" {
			overridden = append(overridden, f.Name)
		}
	})
	list, err := environment(p.environ, overridden...)
	for _, s := range list {
		f := cmd.Flags().Lookup(s.flag)
		if f != nil { // no other command's
			if err := cmd.Flags().Set(f.Name, s.value); err != nil {
				return err // environment has checked the value
			}
			at := slices.Index(p.args, cmd.Name()) + 1 + len(p.variables)
			p.args = slices.Insert(slices.Clone(p.args), at, "--"+f.Name+"="+s.value)
			p.variables = append(p.variables, s.variable)
		}
		p.settings = append(p.settings, s)
	}
	return err
}

// unknownVariable says why a variable sets no flag, in words that follow "is".
func unknownVariable(name string, typed map[string]bool, settable map[string]*pflag.Flag) string {
	const problem = "not a variable of tapsweep"
	flag := strings.ToLower(strings.ReplaceAll(name[len(prefix):], "_", "-"))
	if typed[name] || flag == "help" || flag == "version" {
		return problem + ": give --" + flag + " on the command line"
	}
	var names []string
	for known := range settable {
		names = append(names, known[len(prefix):])
	}
	slices.Sort(names)
	if best := nearest(strings.ToUpper(name[len(prefix):]), names); best != "" {
		return fmt.Sprintf("%s: did you mean %s%s?", problem, prefix, best)
	}
	return problem
}

// serviceVariable matches the variables that Kubernetes sets in every pod of a namespace for a
// Service whose name begins with tapsweep. No flag has such a name.
// Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
var serviceVariable = regexp.MustCompile(`^` + prefix + `([A-Z0-9_]+_)?` +
	`(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// ours returns the variables, as NAME=VALUE, that begin with our prefix in upper or lower case,
// except those that Kubernetes sets.
func ours(environ []string) (list []string) {
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)],
			prefix) && !serviceVariable.MatchString(name) {
			list = append(list, entry)
		}
	}
	return list
}

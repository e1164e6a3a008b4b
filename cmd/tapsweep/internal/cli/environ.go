package cli

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/status"
)

// prefix begins the names of the environment variables that set flags.
const prefix = "TAPSWEEP_"

func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// flagOf returns the name of the flag that a variable sets.
func flagOf(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, prefix), "_", "-"))
}

// haveVariables are the flags that an environment variable can set, beside those about signing in and the pace. Such a
// flag means the same in all its commands. It does not select what to revoke, and does not allow more than the command
// line does.
var haveVariables = []string{"protect", "max-items", "metrics-file", "progress", "quiet", "log-level", "log-format"}

func hasEnvironment(f *pflag.Flag) bool {
	return sectionOf(f) == signingIn || sectionOf(f) == pace || slices.Contains(haveVariables, f.Name)
}

// setFromEnvironment sets flags that the command line does not set. Lists of protected users from the
// command line and the environment are combined. It adds the flags that it sets to the arguments in the
// results log, because the run that resumes it may have another environment.
func (p *program) setFromEnvironment(cmd *cobra.Command) error {
	commands := make(map[string][]string) // by variable
	for _, c := range cmd.Root().Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if hasEnvironment(f) {
				commands[variable(f.Name)] = append(commands[variable(f.Name)], c.Name())
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(p.environ)) {
		value := p.environ[name]
		switch {
		case !isOurs(name):
			continue
		case commands[name] == nil:
			typed := strings.ToUpper(name)[len(prefix):]
			var names []string
			for _, known := range slices.Sorted(maps.Keys(commands)) {
				names = append(names, known[len(prefix):])
			}
			return refuseVariable(fmt.Errorf("%s is not a variable of tapsweep", safetext.Printable(name)),
				didYouMean(typed, prefix, names)...)
		}
		flag := flagOf(name)
		f := cmd.Flags().Lookup(flag)
		if value == "" && flag == "metrics-file" || f != nil && f.Changed && flag != "protect" {
			continue
		}
		slices.Sort(commands[name])
		p.settings = append(p.settings, checkup.Variable{Variable: name, Value: safetext.Printable(value),
			Commands: commands[name]})
		if f == nil { // only other commands have the flag
			continue
		}
		if strings.TrimSpace(value) == "" {
			return refuseVariable(fmt.Errorf("%s is empty", name))
		}
		if err := cmd.Flags().Set(flag, value); err != nil {
			invalid, _ := errors.AsType[*pflag.InvalidValueError](err)
			return refuseVariable(fmt.Errorf("%s: %w", name, valueError(invalid)))
		}
		p.args = slices.Insert(p.args, 1+len(p.variables), "--"+flag+"="+value)
		p.variables = append(p.variables, name)
	}
	return nil
}

func refuseVariable(err error, hints ...string) error {
	return status.Refuse(err, append(hints, "unset or correct it: tapsweep help flags lists all variables")...)
}

// serviceVariable matches the variables that Kubernetes sets in every pod of a namespace for a
// Service whose name begins with tapsweep. No flag has such a name.
// Source: kubernetes.io/docs/concepts/services-networking/service, "Environment variables".
var serviceVariable = regexp.MustCompile(`^` + prefix + `([A-Z0-9_]+_)?` +
	`(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// variables returns the environment variables by name. If a name occurs several times, the last value counts.
func variables(environ []string) map[string]string {
	values := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	return values
}

// isOurs reports whether the name of a variable begins with our prefix in any case. Those that Kubernetes sets are not
// ours.
func isOurs(name string) bool {
	return strings.HasPrefix(strings.ToUpper(name), prefix) && !serviceVariable.MatchString(name)
}

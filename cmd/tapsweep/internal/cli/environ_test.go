package cli

import (
	"os"
	"slices"
	"strings"
	"tapsweep/cmd/tapsweep/internal/status"
	"testing"

	"github.com/spf13/pflag"
)

// What to revoke, where to look and what to write is said on the command line only, whichever
// command runs. Every other flag has a variable.
func TestFlagsWithoutVariable(t *testing.T) {
	typed := []string{"HELP", "VERSION", "USER", "USERS", "ALL_USERS", "FILTER", "GROUP", "CREATED_SINCE", "CREATED_BY",
		"REASON", "MIN_AGE", "EXPIRED_FOR", "MEMBERS_ONLY", "ENABLED_ONLY", "INCLUDE_USABLE", "INCLUDE_GONE", "SELF",
		"ANY_PASS", "SKIP_INVALID",
		"FORMAT", "YES", "DRY_RUN", "REVOKE_SESSIONS", "SIMULATE", "OVERWRITE", "RESUME", "EVIDENCE", "RESULTS",
		"OUTPUT", "HTML", "CSV", "JSON",
		"VERIFY", "VERIFY_WAIT", "ABORT_AFTER", "LATENCY", "LIMIT", "LISTEN", "MIXED", "SEED",
		"WRITE_LIST", "CA_FILE"}
	for _, name := range typed {
		flag := strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		_, err := environment([]string{"TAPSWEEP_" + name + "=true"})
		want := "TAPSWEEP_" + name + " is not a variable of tapsweep: give --" + flag + " on the command line"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, settable := f.Annotations["environment"]
			if name := strings.TrimPrefix(variable(f.Name), prefix); settable == slices.Contains(typed, name) {
				t.Errorf("%s: --%s has a variable: %v", cmd.Name(), f.Name, settable)
			}
		})
	}
}

// No two flags share a variable, and none has one that the tests, or a Kubernetes
// Service of this name, would set.
func TestVariableNames(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		seen := make(map[string]string)
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			name := variable(f.Name)
			if other, twice := seen[name]; twice || serviceVariable.MatchString(name) || os.Getenv(name) != "" {
				t.Errorf("%s: %s is %s's too, or somebody else's", cmd.Name(), name, other)
			}
			seen[name] = f.Name
		})
	}
}

// An empty value of a filter or guard is refused. Earlier it was ignored, and the run did more
// than the user or the script had meant.
func TestEmptyValuesAreRefused(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			for _, empty := range []string{"", " "} {
				var out strings.Builder
				code := execute(t.Context(), []string{cmd.Name(), "--" + f.Name + "=" + empty, "x"},
					strings.NewReader(""), &out, &out)
				refused := strings.HasPrefix(out.String(), "tapsweep: --"+f.Name+" is empty: ")
				if want := f.Name != "metrics-file"; refused != want {
					t.Errorf("%s --%s=%q: refused for it: %v, want %v\n%s", cmd.Name(), f.Name, empty, refused, want,
						out.String())
				}
				if code != status.Usage { // the list is not there
					t.Errorf("%s --%s=%q: exit %d, want %d", cmd.Name(), f.Name, empty, code, status.Usage)
				}
			}
		})
	}
}

// What is said about a wrong value names no function of Go.
func TestWrongValuesInOurWords(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			err := cmd.Flags().Set(f.Name, `"x`)
			if err == nil {
				return // it takes any text
			}
			text := flagError(cmd, err).Error()
			if !strings.HasPrefix(text, "--"+f.Name+` "\"x" is not `) {
				t.Errorf("%s says %s", cmd.Name(), text)
			}
		})
	}
	for args, want := range map[string]string{
		"revoke --yes=maybe l.csv":       `tapsweep: --yes "maybe" is not true or false` + "\n",
		"revoke -y=maybe l.csv":          `tapsweep: --yes "maybe" is not true or false` + "\n",
		"revoke --help=maybe":            `tapsweep: --help "maybe" is not true or false` + "\n",
		"revoke --max-items 1e3 l.csv":   `tapsweep: --max-items "1e3" is not a whole number of up to 18 digits` + "\n",
		"revoke --rate fast l.csv":       `tapsweep: --rate "fast" is not a number` + "\n",
		"revoke --deadline 5 l.csv":      `tapsweep: --deadline "5" is not a time such as 90s, 15m, 24h or 7d` + "\n",
		"scan --all-users --min-age old": `tapsweep: --min-age "old" is not a time such as 90s, 15m, 24h or 7d` + "\n",
	} {
		var out strings.Builder
		if code := execute(t.Context(), strings.Fields(args), strings.NewReader(""), &out, &out); code != status.Usage {
			t.Errorf("tapsweep %s: exit %d, want %d", args, code, status.Usage)
		}
		if out.String() != want {
			t.Errorf("tapsweep %s says %q, want %q", args, out.String(), want)
		}
	}
}

// A flag on the command line counts before its variable, even before one that is wrong.
func TestWrongVariableOfATypedFlag(t *testing.T) {
	for _, value := range []string{"fast", ""} {
		list, err := environment([]string{"TAPSWEEP_RATE=" + value}, "rate")
		if len(list) > 0 || err != nil {
			t.Errorf("TAPSWEEP_RATE=%s: settings %v, error %v, want none of both", value, list, err)
		}
	}
}

// A variable is named in an error that its flag took part in, and in no other.
func TestVariableHints(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		hint bool
	}{
		{"the error names the flag",
			[]string{"revoke", "--simulate", "--yes", "--user", "a@b.example", "--user", "c@d.example"}, true},
		{"the error is about another flag", []string{"revoke", "--yes", "--metrics-file", "x.txt", "l.csv"}, false},
		{"the command does not have the flag", []string{"check", "--output", "xml"}, false},
	} {
		p := tapsweep(t, []string{"TAPSWEEP_MAX_ITEMS=1"}, tt.args...)
		if p.code != status.Usage {
			t.Errorf("%s: exit %d, want %d\n%s", tt.name, p.code, status.Usage, p.stderr)
		}
		const hint = "hint: --max-items is set by the environment variable TAPSWEEP_MAX_ITEMS\n"
		if got := strings.Contains(p.stderr, hint); got != tt.hint {
			t.Errorf("%s: the hint is there: %v, want %v\n%s", tt.name, got, tt.hint, p.stderr)
		}
		if !tt.hint && strings.Contains(p.stderr, "TAPSWEEP_MAX_ITEMS") {
			t.Errorf("%s: the error names the variable\n%s", tt.name, p.stderr)
		}
	}
}

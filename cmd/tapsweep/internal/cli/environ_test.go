package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"tapsweep/testdata/assert"
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
		"WRITE_LIST"}
	for _, name := range typed {
		p := tapsweep(t, []string{"TAPSWEEP_" + name + "=true"}, "check")
		want := "tapsweep: TAPSWEEP_" + name + " is not a variable of tapsweep\n"
		assert.That(t, strings.HasPrefix(p.stderr, want), "standard error is %q, want %q", p.stderr, want)
	}
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			settable := hasEnvironment(f)
			assert.That(t, settable != slices.Contains(typed, strings.TrimPrefix(variable(f.Name), prefix)),
				"%s: --%s has a variable: %v", cmd.Name(), f.Name, settable)
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

package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// Flags that say what to revoke, where to look and what to write have no variable, in any command. All
// other flags have one.
func TestFlagsWithoutVariable(t *testing.T) {
	typed := []string{"HELP", "VERSION", "USER", "USERS", "ALL_USERS", "FILTER", "GROUP", "CREATED_SINCE", "CREATED_BY",
		"REASON", "MIN_AGE", "EXPIRED_FOR", "MEMBERS_ONLY", "ENABLED_ONLY", "INCLUDE_USABLE", "INCLUDE_GONE", "SELF",
		"ANY_PASS", "SKIP_INVALID",
		"FORMAT", "YES", "DRY_RUN", "REVOKE_SESSIONS", "SIMULATE", "OVERWRITE", "RESUME", "EVIDENCE", "RESULTS",
		"OUTPUT", "HTML", "CSV", "JSON",
		"VERIFY", "VERIFY_WAIT", "ABORT_AFTER", "LATENCY", "LIMIT", "LISTEN", "MIXED", "SEED",
		"WRITE_LIST"}
	for _, name := range typed {
		p := tapsweep(t, []string{prefix + name + "=true"}, "check")
		assert.Same(t, name+": exit", p.code, status.Usage)
		assert.Holds(t, "standard error", p.stderr, prefix+name+" is not a variable")
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
			what := fmt.Sprintf("%s: %s is also a variable ", cmd.Name(), name)
			assert.Same(t, what+"of another flag", seen[name], "")
			assert.Same(t, what+"of a Service", serviceVariable.MatchString(name), false)
			assert.Same(t, what+"of this process", os.Getenv(name), "")
			seen[name] = f.Name
		})
	}
}

package run

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
)

// What is printed before the question is no use after it.
func TestQuietHoldsBack(t *testing.T) {
	for _, tt := range []struct {
		quiet bool
		guard Guards
		held  bool
	}{
		{true, Guards{}, false},
		{true, Guards{Yes: true}, true},
		{true, Guards{DryRun: true}, true},
		{false, Guards{Yes: true}, false},
	} {
		var out strings.Builder
		r := asking(nil, &out)
		r.list, r.tenant = openList(t, "user\ndana@contoso.com\n"), tenantOf(t,
			graphsim.New(graphsim.Options{}).Entra.Token())
		err := r.preflight(r.task(false), tt.quiet && tt.guard.unattended())
		if err != nil || (len(r.heldPreflight) > 0) != tt.held || (out.Len() > 0) == tt.held {
			t.Errorf("%+v: held %q, printed %q, %v", tt, r.heldPreflight, out.String(), err)
		}
	}
}

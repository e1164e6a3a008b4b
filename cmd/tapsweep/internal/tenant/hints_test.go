package tenant

import (
	"strings"
	"testing"

	"tapsweep/batch/graphsim/entra"
)

// A hint names an app as it was named, and has something to fill in where a command takes
// an id and that is none.
func TestHintsNameTheApp(t *testing.T) {
	for _, tt := range []struct{ hint, app, want string }{
		{entraHints[700016], "x", "the tenant has no app x: "},
		{entraHints[700016], entra.DefaultClientID, "the tenant has no app " + entra.DefaultClientID + ": "},
		{entraHints[700016], "", "the tenant has no app of this id: "},
		{entraHints[7000222], "x", "--id APP_ID"},
		{entraHints[7000222], entra.DefaultClientID, "--id " + entra.DefaultClientID},
	} {
		if got := withID(tt.hint, tt.app); !strings.Contains(got, tt.want) {
			t.Errorf("withID(%q, %q) = %q, want %q", tt.hint, tt.app, got, tt.want)
		}
	}
}

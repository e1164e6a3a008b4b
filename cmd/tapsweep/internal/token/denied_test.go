package token

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// A hint names the causes that the token leaves open, and no others.
func TestHint(t *testing.T) {
	causes := map[string]string{"permission": hintPermission, "target": hintTarget, "app role": hintAppRole,
		"user role": hintUserRole, "own": hintOwn, "none": hintNone}
	const dana, lee = "Dana@contoso.com", "lee@contoso.com" // the token of a user is Dana's
	privileged := []string{rolePrivileged}
	for _, tt := range []struct {
		name   string
		claims claims
		user   string
		want   string // causes, in order
	}{
		{"unreadable token", claims{}, lee, "permission target user role"},
		{"app", app(tapAll), lee, "target app role"},
		{"app, privileged", app().with("wids", privileged), lee, "permission"},
		{"app, all there", app(tapAll).with("wids", privileged), lee, "none"},
		{"user", user(tapAll), lee, "target user role"},
		{"user, privileged", user(tapAll).with("wids", privileged), lee, "user role"},
		{"own pass", user(tapAll), input.Me, "own"},
		{"own pass, own permission", user(tap), input.Me, "own"},
		{"own pass by name, own permission", user(tap), dana, "own"},
		{"another's pass, own permission", user(tap), lee, "permission target user role"},
		{"own pass, no permission", user("x"), input.Me, "permission own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.claims.read(t, cloud.Config{}).Hint(tt.user)
			for name, text := range causes {
				want := strings.Contains(" "+tt.want+" ", " "+name+" ")
				assert.Same(t, name+" named", strings.Contains(got, text), want)
			}
		})
	}
}

package answer

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tapsweep/batch"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// A hint names the causes that the token leaves open, and no others.
func TestHint(t *testing.T) {
	causes := map[string]string{"permission": hintPermission, "target": hintTarget, "app role": hintAppRole,
		"user role": hintUserRole, "own": hintOwn, "none": hintNone}
	for _, tt := range []struct {
		name   string
		caller Caller
		user   string
		want   string // causes, in order
	}{
		{"unreadable token", Caller{}, "dana@contoso.com", "permission target user role"},
		{"app", Caller{App: true, Permitted: true}, "dana@contoso.com", "target app role"},
		{"app, privileged", Caller{App: true, Privileged: true}, "dana@contoso.com", "permission"},
		{"app, all there", Caller{App: true, Permitted: true, Privileged: true}, "dana@contoso.com", "none"},
		{"user", Caller{Permitted: true}, "dana@contoso.com", "target user role"},
		{"user, privileged", Caller{Permitted: true, Privileged: true}, "dana@contoso.com", "user role"},
		{"own pass", Caller{Permitted: true}, input.Me, "own"},
		{"own pass, own permission", Caller{PermittedOwn: true}, input.Me, "own"},
		{"own pass by name, own permission", Caller{PermittedOwn: true, Self: []string{"x", "Dana@contoso.com"}},
			"dana@contoso.com", "own"},
		{"another's pass, own permission", Caller{PermittedOwn: true, Self: []string{"lee@contoso.com"}},
			"dana@contoso.com", "permission target user role"},
		{"own pass, no permission", Caller{}, input.Me, "permission own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.caller.Hint(tt.user)
			for name, text := range causes {
				if want := strings.Contains(" "+tt.want+" ", " "+name+" "); strings.Contains(got, text) != want {
					t.Errorf("%s named: %v, want %v\n%s", name, !want, want, got)
				}
			}
		})
	}
}

func TestNeedsClaims(t *testing.T) {
	challenge := http.Header{"Www-Authenticate": {`Basic`, `Bearer error="insufficient_claims", claims="e30="`}}
	for _, tt := range []struct {
		answer batch.StatusError
		want   bool
	}{
		{batch.StatusError{Status: 403, Code: "accessDenied"}, false},
		{batch.StatusError{Status: 403, Code: "Insufficient_Claims"}, true},
		{batch.StatusError{Status: 403, Header: challenge}, true},
	} {
		assert.Same(t, fmt.Sprintf("needsClaims(%+v)", tt.answer), needsClaims(&tt.answer), tt.want)
	}
}

package input

import (
	"net/url"
	"strings"
	"testing"

	"tapsweep/internal/assert"
)

// What CheckUser lets through must stay one segment of a URL path.
func FuzzUser(f *testing.F) {
	for _, user := range []string{dana, oid1, "..", "a_b.com#EXT#@t.onmicrosoft.com", "..@a.b", "a/../b@c.d",
		"a%2Fb@c.d", "$x@contoso.com"} {
		f.Add(user)
	}
	f.Fuzz(func(t *testing.T, user string) {
		if CheckUser(user) != nil {
			return
		}
		u, err := url.Parse("https://graph.example/v1.0/users/" + url.PathEscape(user) + "/authentication")
		assert.OK(t, err, user)
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 5 {
			t.Fatalf("user %q leaves its path segment: %q", user, u.String())
		}
		assert.Same(t, "the query", u.RawQuery, "")
		assert.Same(t, "the fragment", u.Fragment, "")
		back, err := url.PathUnescape(segments[3])
		assert.That(t, err == nil && back == user, "user %q comes back as %q, %v", user, back, err)
		assert.That(t, strings.Trim(segments[3], ".") != "" && u.JoinPath().Path == u.Path,
			"user %q is a relative path segment", user)
	})
}

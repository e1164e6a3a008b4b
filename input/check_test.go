package input

import (
	"net/url"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
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
		assert.Same(t, "the user as it comes back", assert.Must(url.PathUnescape(segments[3])), user)
		assert.That(t, strings.Trim(segments[3], ".") != "", "user %q consists of dots", user)
		assert.Same(t, "the path, cleaned", u.JoinPath().Path, u.Path)
	})
}

func TestIsGUID(t *testing.T) {
	for text, want := range map[string]bool{
		"9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311":          true,
		"9F0C2A4B-0A4F-4C1D-9B63-2F7A1E90C311":          true,
		"9f0c2a4b0a4f4c1d9b632f7a1e90c311":              false, // Graph writes hyphens
		"{9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311}":        false,
		"urn:uuid:9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311": false,
		"9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c31g":          false,
		"dana@contoso.com":                              false,
		"":                                              false,
	} {
		assert.Same(t, text+" is a GUID", IsGUID(text), want)
	}
}

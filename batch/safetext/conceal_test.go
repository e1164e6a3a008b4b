package safetext

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"

	"tapsweep/testdata/assert"
)

// keepConcealed makes the test begin and end without the secrets of other tests.
func keepConcealed(t *testing.T) {
	t.Helper()
	held := concealed.forms.Swap(nil)
	t.Cleanup(func() { concealed.forms.Store(held) })
}

// Printable masks a secret that a service quotes back, even without a word that announces it.
func TestConceal(t *testing.T) {
	keepConcealed(t)
	const secret = `aZ8~q/w+e="<tr&y`
	Conceal(secret, "", "short")
	quoted := assert.Must(json.Marshal(secret))
	for name, text := range map[string]string{
		"as it is":   secret,
		"twice":      secret + " and " + secret,
		"in a query": url.QueryEscape(secret),
		"in a path":  url.PathEscape(secret),
		"with small escapes": strings.NewReplacer("%2F", "%2f", "%2B", "%2b", "%3D", "%3d", "%3C",
			"%3c").Replace(url.QueryEscape(secret)),
		"in JSON":            string(quoted),
		"in HTML":            html.EscapeString(secret),
		"in base64":          base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base64 of a URL": base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"beyond the limit":   strings.Repeat("x", maxPrintable-3) + secret,
	} {
		got := Printable("refused: " + text + " is wrong")
		assert.Lacks(t, name+": Printable", got, "aZ8", "YVo4")
		if name != "beyond the limit" {
			assert.Holds(t, name+": Printable", got, "***")
		}
	}
	assert.Same(t, "Printable", Printable("a short word"), "a short word")
	assert.Same(t, "Mask", Mask("nothing of it"), "nothing of it")
}

// If a secret is the beginning of a longer one, the longer one is masked as a whole.
func TestConcealTheLongestFirst(t *testing.T) {
	keepConcealed(t)
	Conceal("secret-one")
	Conceal("secret-one-and-more")
	assert.Same(t, "Mask", Mask("x secret-one-and-more y"), "x *** y")
}

// Tokens are renewed while answers are read.
func TestConcealConcurrently(t *testing.T) {
	keepConcealed(t)
	var wg sync.WaitGroup
	for _, secret := range []string{"first-secret", "second-secret", "third-secret"} {
		wg.Go(func() { Conceal(secret) })
		wg.Go(func() { _ = Printable("a first-secret") })
	}
	wg.Wait()
	assert.Same(t, "Mask", Mask("first-secret second-secret third-secret"), "*** *** ***")
}

package safetext

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"
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
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
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
		"beyond the bound":   strings.Repeat("x", maxPrintable-3) + secret,
	} {
		got := Printable("refused: " + text + " is wrong")
		if strings.Contains(got, "aZ8") || strings.Contains(got, "YVo4") {
			t.Errorf("%s: Printable = %q, which holds the secret", name, got)
		}
		if name != "beyond the bound" && !strings.Contains(got, "***") {
			t.Errorf("%s: Printable = %q, want *** in it", name, got)
		}
	}
	if got := Printable("a short word"); got != "a short word" {
		t.Errorf("Printable = %q: a text of five characters is masked as a secret", got)
	}
	if got := Mask("nothing of it"); got != "nothing of it" {
		t.Errorf("Mask = %q", got)
	}
}

// If a secret is the beginning of a longer one, the longer one is masked as a whole.
func TestConcealTheLongestFirst(t *testing.T) {
	keepConcealed(t)
	Conceal("secret-one")
	Conceal("secret-one-and-more")
	if got := Mask("x secret-one-and-more y"); got != "x *** y" {
		t.Errorf("Mask = %q, want nothing of the longer secret", got)
	}
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
	if got := Mask("first-secret second-secret third-secret"); got != "*** *** ***" {
		t.Errorf("Mask = %q, want three masks", got)
	}
}

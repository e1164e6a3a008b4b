package batch

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// minConcealed is how many bytes a secret has at least that Conceal takes. Entra's own
// secrets have 32 and more; a shorter text may occur in any message by chance.
const minConcealed = 8

// concealed are the secrets of this process. They are global because a secret must not be
// shown anywhere, whichever part of the program learned it.
var concealed struct {
	mu    sync.Mutex
	forms atomic.Pointer[[]string] // the longest first
}

// Conceal has Mask and Printable show *** in place of each secret: as it is, and as it
// stands in a URL, in JSON, in HTML and in base64. A secret of fewer than 8 bytes is not
// taken. It is safe for concurrent use.
func Conceal(secrets ...string) {
	concealed.mu.Lock()
	defer concealed.mu.Unlock()
	var forms []string
	if held := concealed.forms.Load(); held != nil {
		forms = slices.Clone(*held)
	}
	known := len(forms)
	for _, secret := range secrets {
		if len(secret) < minConcealed || slices.Contains(forms[:known], secret) {
			continue
		}
		for _, form := range formsOf(secret) {
			if !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	if len(forms) == known {
		return
	}
	slices.SortStableFunc(forms, func(a, b string) int { return len(b) - len(a) })
	concealed.forms.Store(&forms)
}

// formsOf are the ways in which a service quotes what it was sent.
func formsOf(secret string) []string {
	quoted, _ := json.Marshal(secret) // strings always marshal
	loose := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(quoted))
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	return []string{secret, query, lowerEscapes(query), path, lowerEscapes(path),
		strings.Trim(string(quoted), `"`), strings.Trim(loose, `"`), html.EscapeString(secret),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
}

// lowerEscapes writes %2F as %2f, which is the same to whoever reads it.
func lowerEscapes(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(escaped[i+1:i+3]))
		}
	}
	return string(b)
}

// Mask returns text with *** in place of the secrets that Conceal was given. Where text is
// cut before it is shown, it has to be masked before that.
func Mask(text string) string {
	forms := concealed.forms.Load()
	if forms == nil {
		return text
	}
	for _, form := range *forms {
		if strings.Contains(text, form) {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}

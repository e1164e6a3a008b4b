package safetext

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

// minConcealed is the minimum length, in bytes, of a secret that Conceal accepts. Secrets of Entra have at least 32
// bytes. A shorter text may occur in any message by chance.
const minConcealed = 8

// concealed holds the secrets of this process. It is global because errors use it: a secret that one part of the
// program has read may be quoted in an error of any other part, and the method Error takes no argument. It only grows,
// and changes nothing except texts for people.
var concealed struct {
	mu    sync.Mutex
	forms atomic.Pointer[[]string] // the longest first
}

// Conceal makes Mask and Printable replace each secret with ***, both in its plain form and
// escaped for URLs, JSON, HTML and base64. It ignores secrets of fewer than 8 bytes. It is
// safe for concurrent use.
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

// formsOf returns the forms in which a service may quote a secret.
func formsOf(secret string) []string {
	quoted, _ := json.Marshal(secret) // strings always marshal
	loose := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(quoted))
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	return []string{secret, query, lowerEscapes(query), path, lowerEscapes(path),
		strings.Trim(string(quoted), `"`), strings.Trim(loose, `"`), html.EscapeString(secret),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))}
}

// lowerEscapes writes %2F as %2f, which means the same.
func lowerEscapes(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(escaped[i+1:i+3]))
		}
	}
	return string(b)
}

// Mask replaces each secret that was passed to Conceal by ***. If text will be truncated, call Mask before.
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

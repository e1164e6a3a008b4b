package input

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestCheckUser(t *testing.T) {
	tests := []struct {
		name, user string
		err        string // part of the message, empty when the user is fine
	}{
		{"object id", oid1, ""},
		{"object id in upper case", strings.ToUpper(oid1), ""},
		{"name", dana, ""},
		{"guest", "a_b.com#EXT#@t.onmicrosoft.com", ""},
		{"apostrophe", "o'neil@contoso.com", ""},
		{"dollar first", "$x@contoso.com", ""},
		{"every mark", "a.-_!#^~'$&*+={}|`@contoso.com", ""},
		{"dots and a letter", "..a@contoso.com", ""},
		{"hyphen in domain", "x@my-firm.co.uk", ""},
		{"256 bytes", strings.Repeat("a", 244) + "@contoso.com", ""},
		{"257 bytes", strings.Repeat("a", 245) + "@contoso.com", "longer than 256 bytes"},
		{"empty", "", "user is empty"},
		{"no @", "dana", `user "dana" is neither an object id`},
		{"id too short", oid1[1:], "neither an object id"},
		{"id with braces", "{" + oid1 + "}", "neither an object id"},
		{"two @", "a@b@contoso.com", "more than one @"},
		{"no local part", "@contoso.com", "no name before the @"},
		{"dot", ".@contoso.com", "no name before the @"},
		{"dots", "..@contoso.com", "no name before the @"},
		{"only dots", "..", "neither an object id"},
		{"comment", "#dana@contoso.com", "lists have no comments"},
		{"umlaut", "müller@contoso.com", "use the user's object id"},
		{"full-width @", "dana\uff20contoso.com", "outside ASCII"},
		{"zero-width space", "dana\u200b@contoso.com", `"dana\u200b@contoso.com"`},
		{"not UTF-8", "dana\xe9@contoso.com", "outside ASCII"},
		{"umlaut in domain", "dana@müller.de", "outside ASCII"},
		{"NUL", "da\x00na@contoso.com", `user "da..." (17 characters) may not hold '\x00'`},
		{"newline", "da\nna@contoso.com", "may not hold"},
		{"delete", "da\x7fna@contoso.com", "may not hold"},
		{"no domain", "dana@", "does not end in a domain"},
		{"no dot in domain", "dana@localhost", "does not end in a domain"},
		{"empty label", "dana@contoso..com", "does not end in a domain"},
		{"dot at the end", "dana@contoso.com.", "does not end in a domain"},
		{"underscore in domain", "dana@con_toso.com", "does not end in a domain"},
		{"slash in domain", "dana@contoso.com/x.y", "does not end in a domain"},
	}
	for _, mark := range ` /\?%:;,<>"()[]` + "\t" {
		user := "a" + string(mark) + "b@contoso.com"
		tests = append(tests, struct{ name, user, err string }{"mark " + string(mark), user, "may not hold"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkMessage(t, "CheckUser", tt.user, CheckUser(tt.user), tt.err)
		})
	}
}

func TestCheckMethod(t *testing.T) {
	tests := []struct{ name, method, err string }{
		{"GUID", pass1, ""},
		{"upper case", strings.ToUpper(pass1), ""},
		{"every digit", "01234567-89ab-cdef-ABCD-EF0123456789", ""},
		{"empty", "", "is not a GUID"},
		{"word", "nope", `method "no..." (4 characters) is not a GUID: this looks like the pass itself, not its id`},
		{"braces", "{" + pass1 + "}", "is not a GUID"},
		{"no hyphens", strings.ReplaceAll(pass1, "-", ""), "is not a GUID"},
		{"hyphen moved", "9f0c7d0-00000-4000-8000-0000000000a1", "is not a GUID"},
		{"letter g", "9f0c7d00-0000-4000-8000-0000000000g1", "is not a GUID"},
		{"at sign", "9f0c7d00-0000-4000-8000-0000000000@1", "is not a GUID"},
		{"space", pass1 + " ", "is not a GUID"},
		{"slash", "9f0c7d00-0000-4000-8000-00000000/../", "is not a GUID"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkMessage(t, "CheckMethod", tt.method, CheckMethod(tt.method), tt.err)
		})
	}
}

func checkMessage(t *testing.T, fn, arg string, err error, want string) {
	t.Helper()
	checkError(t, fmt.Sprintf("%s(%q)", fn, arg), err, want)
}

func TestShow(t *testing.T) {
	tests := []struct{ name, value, want, plain string }{
		{"plain", "dana", `"dana"`, "dana"},
		{"escape sequence", "\x1b[2J", `"\x1b[2J"`, `\x1b[2J`},
		{"bidi", "a\u202eb", `"a\u202eb"`, `a\u202eb`},
		{"quote", `a"b`, `"a\"b"`, `a"b`},
		{"100 characters", strings.Repeat("a", 100), `"` + strings.Repeat("a", 100) + `"`, strings.Repeat("a", 100)},
		{"101 characters", strings.Repeat("a", 101), `"` + strings.Repeat("a", 100) + `..."`,
			strings.Repeat("a", 100) + "..."},
		{"100 wide characters", strings.Repeat("é", 100), `"` + strings.Repeat(`\u00e9`, 100) + `"`,
			strings.Repeat(`\u00e9`, 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tt.value); got != tt.want {
				t.Errorf("show(%q) = %s, want %s", tt.value, got, tt.want)
			}
			if got := unquoted(show(tt.value)); got != tt.plain {
				t.Errorf("unquoted(show(%q)) = %s, want %s", tt.value, got, tt.plain)
			}
		})
	}
}

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
		if err != nil {
			t.Fatalf("url.Parse with %q: %v", user, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		if len(segments) != 5 {
			t.Fatalf("user %q leaves its path segment: %q", user, u.String())
		}
		check(t, "the query", u.RawQuery, "")
		check(t, "the fragment", u.Fragment, "")
		back, err := url.PathUnescape(segments[3])
		if err != nil || back != user {
			t.Errorf("user %q comes back as %q, %v", user, back, err)
		}
		if strings.Trim(segments[3], ".") == "" || u.JoinPath().Path != u.Path {
			t.Errorf("user %q is a relative path segment", user)
		}
	})
}

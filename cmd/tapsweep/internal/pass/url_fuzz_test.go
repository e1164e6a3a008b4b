package pass

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const pass = "9f0c11aa-1111-4222-8333-000000000001"

// readURL reads the URL of a write in a batch as the service does, without the code that made the URL.
// Query and fragment end the path. Each segment is percent-decoded once. Anything that a server might
// then take for a separator or a dot segment is one. It returns the user and the pass that the URL
// names, or why it names something else.
func readURL(raw string) (user, pass string, err error) {
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f {
			return "", "", fmt.Errorf("byte %d is %#x", i, c)
		}
	}
	path, fragment, has := strings.Cut(raw, "#")
	if has {
		return "", "", fmt.Errorf("it has a fragment: %q", fragment)
	}
	path, query, has := strings.Cut(path, "?")
	if has {
		return "", "", fmt.Errorf("it has a query: %q", query)
	}
	path, has = strings.CutPrefix(path, "/")
	if !has || strings.HasPrefix(path, "/") || strings.HasPrefix(path, `\`) {
		return "", "", fmt.Errorf("it is not below the version")
	}
	var segments []string
	for raw := range strings.SplitSeq(path, "/") {
		decoded, err := decodeOnce(raw)
		if err != nil {
			return "", "", err
		}
		if strings.Contains(decoded, "%") {
			return "", "", fmt.Errorf("segment %q could be decoded twice", raw)
		}
		for _, part := range strings.FieldsFunc(decoded+"/", func(r rune) bool { return r == '/' || r == '\\' }) {
			switch {
			case part == ".":
			case part == "..":
				segments = segments[:max(len(segments)-1, 0)]
			default:
				segments = append(segments, part)
			}
		}
	}
	if len(segments) == 0 {
		return "", "", fmt.Errorf("it names nothing")
	}
	// /users('a@b.c') is /users/a@b.c, with quotes doubled.
	if key, ok := strings.CutPrefix(segments[0], "users('"); ok {
		key, closed := strings.CutSuffix(key, "')")
		if !closed || strings.Contains(strings.ReplaceAll(key, "''", ""), "'") {
			return "", "", fmt.Errorf("the key of %q does not end where it should", segments[0])
		}
		segments = append([]string{"users", strings.ReplaceAll(key, "''", "'")}, segments[1:]...)
	} else if len(segments) > 1 && (strings.HasPrefix(segments[1], "$") || strings.ContainsAny(segments[1], "()")) {
		return "", "", fmt.Errorf("%q is a name of OData's", segments[1])
	}
	if segments[0] == "me" { // the signed-in user, not a user with the name me
		segments = append([]string{"users"}, segments...)
	} else if len(segments) > 1 && segments[1] == "me" {
		return "", "", fmt.Errorf("it is a user by the name of me")
	}
	if len(segments) != 5 || segments[0] != "users" || segments[2] != "authentication" ||
		segments[3] != "temporaryAccessPassMethods" {
		return "", "", fmt.Errorf("it is /%s", strings.Join(segments, "/"))
	}
	return segments[1], segments[4], nil
}

func decodeOnce(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		if i+2 >= len(s) {
			return "", fmt.Errorf("segment %q ends in the middle of an escape", s)
		}
		for _, digit := range []byte(s[i+1 : i+3]) {
			at := strings.IndexByte("0123456789abcdef", digit|0x20)
			if at < 0 || digit < '0' {
				return "", fmt.Errorf("segment %q has a broken escape", s)
			}
			c = c<<4 | byte(at)
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}

// The oracle finds what the fuzzer should find.
func TestReadURL(t *testing.T) {
	const tail = "/authentication/temporaryAccessPassMethods/" + pass
	for _, tt := range []struct{ url, user string }{
		{"/users/dana@contoso.com" + tail, "dana@contoso.com"},
		{"/users/a%23EXT%23@contoso.com" + tail, "a#EXT#@contoso.com"},
		{"/users('$o''neil@contoso.com')" + tail, "$o'neil@contoso.com"},
		{"/users(%27$o%27%27neil@contoso.com%27)" + tail, "$o'neil@contoso.com"},
		{"/users/dana@contoso.com/../eli@contoso.com" + tail, "eli@contoso.com"},
		{"/users/dana@contoso.com/%2e%2E/eli@contoso.com" + tail, "eli@contoso.com"},
		{"/users/dana@contoso.com%2F..%2feli@contoso.com" + tail, "eli@contoso.com"},
		{`/users/dana@contoso.com%5C..\eli@contoso.com` + tail, "eli@contoso.com"},
		{"/users/./eli@contoso.com" + tail, "eli@contoso.com"},
		{"/me" + tail, "me"},
		{"/users/../me" + tail, "me"},

		{"/users/dana@contoso.com", ""},
		{"/users/dana@contoso.com#" + tail, ""},
		{"/users/dana@contoso.com?x=" + tail, ""},
		{"/users/dana@contoso.com%252F.." + tail, ""},
		{"/users/dana@contoso.com%2" + tail, ""},
		{"/users/dana@contoso.com%G0" + tail, ""},
		{"/users/dana@contoso.com%/0" + tail, ""},
		{"/users/d\u00e4na@contoso.com" + tail, ""},
		{"/users/dana@contoso.com\r\n" + tail, ""},
		{"//evil.example/users/dana@contoso.com" + tail, ""},
		{"https://evil.example/users/dana@contoso.com" + tail, ""},
		{"/users/$count" + tail, ""},
		{"/users/microsoft.graph.delta()" + tail, ""},
		{"/users('$o'neil@contoso.com')" + tail, ""},
		{"/users('$x@contoso.com'" + tail, ""},
		{"/users/.." + tail, ""},
		{"/users/me" + tail, ""},
		{"/me/eli@contoso.com" + tail, ""},
		{"/users/dana@contoso.com/authentication/phoneMethods/" + pass, ""},
		{"/users/dana@contoso.com/authentication/temporaryAccessPassMethods/.", ""},
		{"/users/dana@contoso.com" + tail + "/x", ""},
		{"/", ""},
	} {
		user, got, err := readURL(tt.url)
		if user != tt.user || (err == nil) != (tt.user != "") || err == nil && got != pass {
			t.Errorf("readURL(%q) = %q, %q, %v; want %q", tt.url, user, got, err, tt.user)
		}
	}
}

// checkURLs checks that the URLs for a pair name its user and its pass.
func checkURLs(t *testing.T, user, method string) {
	t.Helper()
	if method == "" {
		method = pass // as a LIST might answer
	}
	url := PassURL(user, method)
	if gotUser, gotMethod, err := readURL(url); err != nil || gotUser != user || gotMethod != method {
		t.Errorf("PassURL(%q, %q) = %s, which names %q, %q, %v", user, method, url, gotUser, gotMethod, err)
	}
	assert.That(t, PassesURL(user)+"/"+method == url,
		"PassesURL(%q) = %s, and PassURL is %s", user, PassesURL(user), url)
}

// No list makes a write go beyond the passes of the users that it names.
func FuzzListToURL(f *testing.F) {
	for _, user := range []string{
		"dana@contoso.com", "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "a_b.com#EXT#@t.onmicrosoft.com",
		"o'neil@contoso.com",
		"..", "../eli@contoso.com", "dana@contoso.com/../eli@contoso.com", "%2e%2e", "%2E.@contoso.com",
		"...@contoso.com",
		"dana%2f@contoso.com", "dana%252f@contoso.com", "dana@contoso.com%2f..", `dana@contoso.com\..`,
		"dana@contoso.com/.",
		"dana?@contoso.com", "dana@contoso.com?$filter=x", "#dana@contoso.com", "dana#@contoso.com",
		"dana@contoso.com#x", "dana;x@contoso.com",
		"d\u00e4na@contoso.com", "dana@conto\u017fo.com", "dana\uff0f@contoso.com", "dana\u2024\u2024@contoso.com",
		"\u202edana@contoso.com", "dana\xff@contoso.com",
		"dana\x00@contoso.com", "dana\r\nX: y@contoso.com", "dana\x1b[2J@contoso.com", "dana\x7f@contoso.com",
		"dana @contoso.com",
		"$x@contoso.com", "$count", "$batch", "$o'x@contoso.com", "$x')@contoso.com", "$''@contoso.com",
		"$'/x@contoso.com", "('x')@contoso.com", "me", "@contoso.com", "a@b", "a@b.c@d.e",
	} {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`, "\x00", `\u0000`, "\x1b",
			`\u001b`, "\x7f", `\u007f`).Replace(user)
		f.Add("user,method\n\"" + user + "\"," + pass + "\n")
		f.Add(`[{"userPrincipalName":"` + quoted + `","methodId":"` + pass + `"}]`)
		f.Add(`{"type":"result","user":"` + quoted + `","method":"` + pass + `","outcome":"failed"}`)
	}
	for _, method := range []string{"", "..", "%2e%2e", "x", pass + "/..", pass + "?x", pass + "#", pass + " ",
		"{" + pass + "}", strings.ToUpper(pass), "$ref", "\u0660f0c11aa-1111-4222-8333-00000000001"} {
		f.Add("user,method\ndana@contoso.com,\"" + method + "\"\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		// First each field as it is, which is fast; then what the readers read.
		for field := range strings.FieldsFuncSeq(text, func(r rune) bool {
			return strings.ContainsRune("\n,;\t\"", r)
		}) {
			if input.CheckUser(field) == nil {
				assert.That(t, field != input.Me, "me passes for a name")
				checkURLs(t, field, pass)
			}
			if input.CheckMethod(field) == nil {
				checkURLs(t, "dana@contoso.com", field)
			}
		}
		list, err := input.Open([]string{"-"}, input.Options{SkipInvalid: true, Stdin: strings.NewReader(text)})
		if err != nil {
			return
		}
		for pair, err := range list.Pairs() {
			assert.OK(t, err)
			if pair.Err == nil {
				checkURLs(t, pair.User, pair.Method)
			}
		}
		assert.OK(t, list.Close())
	})
}

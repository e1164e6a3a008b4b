package pass

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const pass = "9f0c11aa-1111-4222-8333-000000000001"

// passPath matches the path of a write below the version. A user is a segment, or a key in parentheses.
var passPath = regexp.MustCompile(`^/users(?:/([^/]+)|\('([^/]+)'\))` +
	`/authentication/temporaryAccessPassMethods/([^/]+)$`)

// readURL reads the URL of a write in a batch without the code that made it. It returns an error for a URL that a
// server might read in two ways. Else it returns the user and the pass that the URL names.
func readURL(raw string) (user, pass string, err error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`?#\`, r) }) {
		return "", "", errors.New("a character must be escaped")
	}
	match := passPath.FindStringSubmatch(raw)
	if match == nil {
		return "", "", errors.New("it is not the path of a pass")
	}
	for i, segment := range match[1:] {
		if match[i+1], err = url.PathUnescape(segment); err != nil {
			return "", "", err
		}
		if strings.ContainsAny(match[i+1], `/\%`) {
			return "", "", fmt.Errorf("segment %q could be decoded twice, or be several segments", segment)
		}
	}
	user, key, pass := match[1], match[2], match[3]
	switch {
	case key != "" && strings.Contains(strings.ReplaceAll(key, "''", ""), "'"):
		return "", "", fmt.Errorf("the key %q does not end where it should", key)
	case key != "":
		return strings.ReplaceAll(key, "''", "'"), pass, nil
	case user == "." || user == ".." || user == "me" || strings.HasPrefix(user, "$") || strings.ContainsAny(user, "()"):
		return "", "", fmt.Errorf("segment %q has another meaning", user)
	case pass == "." || pass == "..":
		return "", "", fmt.Errorf("segment %q is not a pass", pass)
	}
	return user, pass, nil
}

// readURL finds what the fuzzer looks for.
func TestReadURL(t *testing.T) {
	const tail = "/authentication/temporaryAccessPassMethods/" + pass
	for url, want := range map[string]string{
		"/users/dana@contoso.com" + tail:                                      "dana@contoso.com",
		"/users/a%23EXT%23@contoso.com" + tail:                                "a#EXT#@contoso.com",
		"/users('$o''neil@contoso.com')" + tail:                               "$o'neil@contoso.com",
		"/users('$o%27%27neil@contoso.com')" + tail:                           "$o'neil@contoso.com",
		"/users/dana@contoso.com/../eli@contoso.com" + tail:                   "",
		"/users/dana@contoso.com%2F..%2feli@contoso.com" + tail:               "",
		`/users/dana@contoso.com%5C..\eli@contoso.com` + tail:                 "",
		"/users/./eli@contoso.com" + tail:                                     "",
		"/users/%2e%2E" + tail:                                                "",
		"/me" + tail:                                                          "",
		"/users/dana@contoso.com":                                             "",
		"/users/dana@contoso.com#" + tail:                                     "",
		"/users/dana@contoso.com?x=" + tail:                                   "",
		"/users/dana@contoso.com%252F.." + tail:                               "",
		"/users/dana@contoso.com%G0" + tail:                                   "",
		"/users/d\u00e4na@contoso.com" + tail:                                 "",
		"/users/dana@contoso.com\r\n" + tail:                                  "",
		"//evil.example/users/dana@contoso.com" + tail:                        "",
		"https://evil.example/users/dana@contoso.com" + tail:                  "",
		"/users/$count" + tail:                                                "",
		"/users/microsoft.graph.delta()" + tail:                               "",
		"/users('$o'neil@contoso.com')" + tail:                                "",
		"/users('$x@contoso.com'" + tail:                                      "",
		"/users/me" + tail:                                                    "",
		"/users/dana@contoso.com/authentication/phoneMethods/" + pass:         "",
		"/users/dana@contoso.com/authentication/temporaryAccessPassMethods/.": "",
		"/users/dana@contoso.com" + tail + "/x":                               "",
	} {
		user, _, _ := readURL(url)
		assert.Same(t, "the user in "+strconv.Quote(url), user, want)
	}
}

// checkURLs checks that the URLs for a pair name its user and its pass.
func checkURLs(t *testing.T, user, method string) {
	t.Helper()
	if method == "" {
		method = pass // as a LIST might answer
	}
	url := PassURL(user, method)
	gotUser, gotMethod, err := readURL(url)
	assert.Is(t, "reading "+url, err, nil)
	assert.Same(t, "the user in "+url, gotUser, user)
	assert.Same(t, "the pass in "+url, gotMethod, method)
	assert.Same(t, "a pass below PassesURL", PassesURL(user)+"/"+method, url)
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
		// The fields are checked as they are, which is fast. Below, the text is read as a list.
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

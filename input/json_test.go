package input

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	obj1 = `{"user":"` + dana + `","method":"` + pass1 + `"}`
	obj2 = `{"user":"` + eli + `","method":"` + pass2 + `"}`
)

func at(line1, line2 int) []Pair {
	return []Pair{{Line: line1, User: dana, Method: pass1}, {Line: line2, User: eli, Method: pass2}}
}

// Rows that start on one line are told apart by their columns.
func TestPlaces(t *testing.T) {
	for file, text := range map[string]string{
		"list.json":  "[" + obj1 + ", " + obj2 + ",\n" + obj2 + `,{"user":7}]`,
		"list.jsonl": obj1 + "\n  [" + obj1 + ", " + obj2 + `,{"user":7}]`,
	} {
		path := write(t, file, text)
		l, err := Open([]string{path}, Options{SkipInvalid: true})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		lines := strings.Split(text, "\n")
		first := make(map[int]bool)
		for _, p := range all(t, l) {
			if (p.Column == 0) == first[p.Line] {
				t.Errorf("%s is at column %d", p.User, p.Column)
			}
			if first[p.Line] = true; p.Column == 0 {
				continue
			}
			if at := lines[p.Line-1][p.Column-1:]; !strings.HasPrefix(at, `{"user":"`+p.User) && p.Err == nil || at[0] != '{' {
				t.Errorf("%s is at %q", p.User, at)
			}
			if want := fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column); p.Place() != want || p.Err != nil && !strings.HasPrefix(p.Err.Error(), want+": ") {
				t.Errorf("%s is at %s: %v", p.User, p.Place(), p.Err)
			}
		}
	}
}

func TestReadJSON(t *testing.T) {
	users := func(line int, user string) []Pair { return []Pair{{Line: line, User: user}} }
	big := strings.Repeat("a", maxRowBytes)
	var small []string // which are longer than a row may be, together
	var smallPairs []Pair
	for i := range 3000 {
		user := fmt.Sprintf("user%d@contoso.com", i)
		small = append(small, `{"user":"`+user+`","x":"`+big[:1000]+`"}`)
		smallPairs = append(smallPairs, Pair{Line: i + 1, User: user})
	}
	runReadTests(t, "list.json", []readTest{
		{name: "array", text: "[" + obj1 + ",\n" + obj2 + "]", want: at(1, 2)},
		{name: "array over lines", text: "\n[\n  {\n\"user\":\n\"" + dana + "\",\"method\":\"" + pass1 + "\"\n},\n" + obj2 + "\n]\n", want: at(3, 7)},
		{name: "two arrays", text: "[" + obj1 + "]\n[]\n[" + obj2 + "]", want: at(1, 3)},
		{name: "lines", text: obj1 + "\n\n" + obj2 + "\n", want: at(1, 3)},
		{name: "concatenated", text: obj1 + obj2, want: at(1, 1)},
		{name: "Graph answers", text: `{"@odata.context":"x","nested":{"value":[1]},"value":[` + "\n" + obj1 + "],\n\"@odata.nextLink\":\"y\"}\n{\"value\":[" + obj2 + "]}", want: at(2, 4)},
		{name: "empty Graph answer", text: `{"value":[]}` + obj1 + obj2, want: at(1, 1)},
		{name: "value that is no array", text: `{"user":"` + dana + `","value":{"value":[{"x":["y"]}]}}`, want: users(1, dana)},
		{name: "value that holds a GUID", text: `{"user":"` + dana + `","value":{"value":[` + obj2 + `]}}`, err: `"value" holds a GUID`},
		{name: "value that is a GUID", text: `{"user":"` + dana + `","value":"` + pass2 + `"}`, err: `"value" holds a GUID`},
		{name: "value in an element", text: `[{"user":"` + dana + `","value":[` + obj2 + `]}]`, err: `"value" holds a GUID`},
		{name: "row with rows", text: `{"user":"` + dana + `","value":[` + obj2 + `]}`, err: "list.json:1:1: the object is a row and also holds rows"},
		{name: "two value arrays", text: `{"value":[],"value":[` + obj2 + `]}`, err: `two arrays "value"`},
		{name: "names", text: `{"User Principal-Name":"` + dana + `","PASS_ID":"` + pass1 + `"}{"upn":"` + eli + `","temporaryAccessPassAuthenticationMethodId":"` + pass2 + `"}`, want: at(1, 1)},
		{name: "order of names", text: `{"upn":"` + eli + `","userId":"` + oid1 + `"}`,
			want: []Pair{{Line: 1, User: oid1, UPN: eli}}},
		{name: "empty names give way", text: `{"userId":"","objectId":null,"upn":"` + dana + `"}`, want: users(1, dana)},
		{name: "null method", text: `{"user":"` + dana + `","method":null}`, err: "method is null: leave it empty"},
		{name: "null method beside a pass", text: `{"user":"` + dana + `","passId":null,"method":"` + pass1 + `"}`,
			want: []Pair{{Line: 1, User: dana, Method: pass1}}},
		{name: "no method", text: `{"user":"` + dana + `","upn":null}`, want: users(1, dana)},
		{name: "empty method", text: `{"user":"` + dana + `","method":" "}`, want: users(1, dana)},
		{name: "spaces", text: `{"user":"\u00a0` + dana + ` \n"}`, want: users(1, dana)},
		{name: "apostrophe stays", text: `{"user":"'=x@contoso.com"}`, want: users(1, "'=x@contoso.com")},
		{name: "escapes", text: `{"us\u0065r":"d\u0061na@contoso.com"}`, want: users(1, dana)},
		{name: "escaped quotes", text: `[{"note\",\"user":"a\",\"user\":\"x@y.z\\","user":"` + dana + `"}]`, want: users(1, dana)},
		{name: "NUL", text: `{"user":"dana\u0000@contoso.com"}`, err: `user "da..." (17 characters) may not hold '\x00'`},
		{name: "not UTF-8", text: "{\"user\":\"jos\xe9@contoso.com\"}", err: "outside ASCII"},
		{name: "number", text: "\n{\"user\":7}", err: `list.json:2: "user" is a number, and has to be a string`},
		{name: "boolean", text: `{"user":"` + dana + `","method":false}`, err: `"method" is a boolean`},
		{name: "object", text: `{"user":{"id":"` + oid1 + `"}}`, err: `"user" is an object`},
		{name: "array as method", text: `{"user":"` + dana + `","method":["` + pass1 + `"]}`, err: `"method" is an array`},
		{name: "same key twice", text: `{"user":"` + dana + `","user":"` + eli + `"}`, err: `"user" and "user" are the same name twice`},
		{name: "same name twice", text: `{"user":"` + dana + `","methodId":"` + pass1 + `","method_id":null}`, err: "the same name twice"},
		{name: "no user", text: `{"name":"x"}`, err: "list.json:1: no user: the object has none of the keys user, userId,"},
		{name: "error answer", text: `{"error":{"code":"x","user":"y"}}`, err: "no user"},
		{name: "user beside id", text: `{"user":"` + dana + `","id":"` + pass1 + `"}`, err: `"id" beside "user" may be the user's id or the pass's`},
		{name: "user beside null id", text: `{"user":"` + dana + `","id":null}`, err: `"id" beside "user"`},
		{name: "user beside id and method", text: `{"user":"` + dana + `","id":"` + oid1 + `","method":""}`,
			want: []Pair{{Line: 1, User: oid1, UPN: dana}}},
		{name: "Graph user", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users(id,userPrincipalName)","value":[{"id":"` + oid1 + `","userPrincipalName":"` + dana + `"}]}`,
			want: []Pair{{Line: 1, User: oid1, UPN: dana}}},
		{name: "one Graph user", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users/$entity","id":"` + oid1 + `"}`, want: users(1, oid1)},
		{name: "user or pass", text: `{"value":[{"id":"` + oid1 + `","userPrincipalName":"` + dana + `"}]}`, err: `"id" beside "userPrincipalName" may be the user's id or the pass's`},
		{name: "passes of one user", text: `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users('x')/authentication/temporaryAccessPassMethods","value":[{"id":"` + pass1 + `"}]}`, err: "this is a pass without its user"},
		{name: "Graph pass", text: `{"value":[{"id":"` + pass1 + `","isUsableOnce":true}]}`, err: "this is a pass without its user"},
		{name: "Graph pass by lifetime", text: `[{"id":"` + pass1 + `","lifetimeInMinutes":60}]`, err: "this is a pass without its user"},
		{name: "Graph pass by reason", text: `[{"id":"` + pass1 + `","methodUsabilityReason":"Expired"}]`, err: "this is a pass without its user"},
		{name: "Graph pass with its user", text: `[{"userId":"` + oid1 + `","methodId":"` + pass1 + `","lifetimeInMinutes":60}]`, want: []Pair{{Line: 1, User: oid1, Method: pass1}}},
		{name: "unknown name of the method", text: `{"user":"` + dana + `","tapMethodId":"` + pass1 + `"}`,
			err: `"tapMethodId" holds a GUID, but is not a known column`},
		{name: "two methods", text: `{"user":"` + dana + `","method":"` + pass1 + `","passId":"` + pass2 + `"}`, err: "method is given twice"},
		{name: "element that is no object", text: "[\n[" + obj1 + "],\n" + obj2 + "]", err: "list.json:2: the element is an array"},
		{name: "element null", text: "[null]", err: "the element is null"},
		{name: "text", text: `"x"`, err: "list.json:1: an object or an array has to start here"},
		{name: "broken", text: "[" + obj1 + ",\n" + obj2 + ",\n\n  x]", err: "list.json:4: the JSON is broken: invalid character 'x'"},
		{name: "missing comma", text: "[" + obj1 + "\n" + obj2 + "]", err: "list.json:2: the JSON is broken"},
		{name: "comma at the end", text: "[" + obj1 + ",\n]", err: "list.json:2: the JSON is broken"},
		{name: "comma between documents", text: obj1 + ",\n" + obj2, err: "the JSON is broken"},
		{name: "torn off", text: "[" + obj1 + ",\n" + obj2[:20], err: "list.json:2: the JSON ends too early"},
		{name: "torn off after an element", text: "[" + obj1 + ",\n", err: "the JSON ends too early"},
		{name: "stray bracket", text: obj1 + "\n]", err: "list.json:2: the JSON is broken"},
		{name: "big array of small elements", text: "[" + strings.Join(small, ",\n") + "]", want: smallPairs},
		{name: "many small documents", text: strings.Join(small, "\n"), want: smallPairs},
		{name: "big ignored value", text: `[{"user":"` + dana + `","x":"` + big[100:] + `"}]`, want: users(1, dana)},
		{name: "element too long", text: "[" + obj1 + ",\n{\"x\":\"" + big + `","user":"` + eli + `"}]`, err: "list.json:2: an element from here on is longer than 1 MiB"},
		{name: "space without end", text: "[" + obj1 + strings.Repeat(" ", 2*maxRowBytes) + "]", err: "longer than 1 MiB"},
		{name: "nested", text: `{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `,"user":"` + dana + `"}`, want: users(1, dana)},
		{name: "nested too deep", text: `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"user":"` + dana + `"}`, err: "the JSON is broken"},
		{name: "nested too deep in value", text: `{"value":{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `},"user":"` + dana + `"}`, want: users(1, dana)},
	})
}

func TestReadJSONLines(t *testing.T) {
	runReadTests(t, "list.jsonl", []readTest{
		{name: "lines", text: obj1 + "\n\n" + obj2, want: at(1, 3)},
		{name: "CRLF", text: obj1 + "\r\n" + obj2 + "\r\n", want: at(1, 2)},
		{name: "documents on a line", text: "[" + obj1 + "]\n{\"value\":[" + obj2 + "]}\n", want: at(1, 2)},
		{name: "broken lines stand alone", text: "{\"user\"\n" + obj1 + "\n" + obj2 + "}\nx\n", err: "list.jsonl:1: the JSON ends too early\n" +
			"list.jsonl:3: the JSON is broken: invalid character '}' looking for beginning of value\nlist.jsonl:4: the JSON is broken"},
		{name: "object over lines", text: "\n{\n\"user\":\"" + dana + "\"}\n", want: []Pair{{Line: 2, User: dana}}},
		{name: "array over lines", text: "[\n" + obj1 + ",\n" + obj2 + "\n]\n", want: at(2, 3)},
		{name: "answer over lines", text: "{\"value\": [\n" + obj1 + ",\n" + obj2 + "\n]}\n", want: at(2, 3)},
		{name: "first line torn", text: obj1[:9] + "\n" + obj2 + "\n", err: "list.jsonl:1: the JSON ends too early"},
		{name: "line too long", text: obj1 + "\n{\"x\":\"" + strings.Repeat("a", maxRowBytes) + "\"}\nx\n", err: "list.jsonl:2: the line is longer than 1 MiB\nlist.jsonl:3: "},
		{name: "no user", text: obj1 + "\n{}\n", err: "list.jsonl:2: no user"},
	})
}

// A saved page of a longer answer is not the list that somebody meant to revoke.
func TestJSONPages(t *testing.T) {
	page := func(user, rest string) string {
		return `{"value":[{"user":"` + user + `@contoso.com"}]` + rest + "}\n"
	}
	next := `,"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x"`
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"one page of one", page("a", ""), true},
		{"first page alone", page("a", next), false},
		{"all pages", page("a", next) + page("b", ""), true},
		{"last page missing", page("a", next) + page("b", next), false},
		{"link null", page("a", `,"@odata.nextLink":null`), true},
		{"link before the rows", `{"@odata.nextLink":"x","value":[{"user":"a@contoso.com"}]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.json")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, skip := range []bool{false, true} {
				l, err := Open([]string{path}, Options{SkipInvalid: skip})
				if (err == nil) != tt.ok {
					t.Errorf("Open = %v, want ok %v", err, tt.ok)
				}
				if l != nil {
					l.Close()
				}
			}
		})
	}
}

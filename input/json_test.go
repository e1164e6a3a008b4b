package input

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	obj1 = `{"user":"` + dana + `","method":"` + pass1 + `"}`
	obj2 = `{"user":"` + eli + `","method":"` + pass2 + `"}`
)

func at(line1, line2 int) []Pair {
	return []Pair{{Line: line1, User: dana, Method: pass1}, {Line: line2, User: eli, Method: pass2}}
}

// Rows that start on one line are told apart by their columns, also in errors.
func TestPlaces(t *testing.T) {
	second := 2 + len(obj1) + 2 // the column of OBJ2 in [OBJ1, OBJ2
	for _, tt := range []struct {
		file, text string
		want       []string
	}{
		{"list.json", `[OBJ1, OBJ2,` + "\n" + `OBJ2,{"user":7}]`,
			[]string{"1", fmt.Sprint("1:", second), "2", fmt.Sprint("2:", len(obj2)+2)}},
		{"list.jsonl", "OBJ1\n  [OBJ1, " + `OBJ2,{"user":7}]`,
			[]string{"1", "2", fmt.Sprint("2:", second+2), fmt.Sprint("2:", second+len(obj2)+3)}},
	} {
		path := write(t, tt.file, tt.text)
		l := open(t, Options{SkipInvalid: true}, path)
		var got []string
		for _, p := range all(t, l) {
			got = append(got, strings.TrimPrefix(p.Place(), path+":"))
			if p.Err != nil {
				checkError(t, "the refused row", p.Err, p.Place()+": ")
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("places in %s (-want +got):\n%s", tt.text, diff)
		}
	}
}

const metadata = "https://graph.microsoft.com/v1.0/$metadata"

func userAt(line int, user string) []Pair { return []Pair{{Line: line, User: user}} }

func TestReadJSON(t *testing.T) {
	runReadTests(t, "list.json", []readTest{
		{name: "array", text: "[OBJ1,\nOBJ2]", want: at(1, 2)},
		{name: "array over lines", text: "\n[\n  {\n\"user\":\n\"DANA\",\"method\":\"PASS1\"\n},\nOBJ2\n]\n", want: at(3, 7)},
		{name: "two arrays", text: "[OBJ1]\n[]\n[OBJ2]", want: at(1, 3)},
		{name: "lines", text: "OBJ1\n\nOBJ2\n", want: at(1, 3)},
		{name: "concatenated", text: obj1 + obj2, want: at(1, 1)},
		{name: "Graph answers", text: `{"@odata.context":"x","nested":{"value":[1]},"value":[` +
			"\nOBJ1],\n\"@odata.nextLink\":\"y\"}\n{\"value\":[OBJ2]}",
			want: at(2, 4)},
		{name: "empty Graph answer", text: `{"value":[]}` + obj1 + obj2, want: at(1, 1)},
		{name: "value that is no array", text: `{"user":"DANA","value":{"value":[{"x":["y"]}]}}`, want: userAt(1, dana)},
		{name: "value that holds a GUID", text: `{"user":"DANA","value":{"value":[OBJ2]}}`, err: `"value" holds a GUID`},
		{name: "value that is a GUID", text: `{"user":"DANA","value":"PASS2"}`, err: `"value" holds a GUID`},
		{name: "value in an element", text: `[{"user":"DANA","value":[OBJ2]}]`, err: `"value" holds a GUID`},
		{name: "row with rows", text: `{"user":"DANA","value":[OBJ2]}`,
			err: "list.json:1:1: the object is a row and also holds rows"},
		{name: "two value arrays", text: `{"value":[],"value":[OBJ2]}`, err: `two arrays "value"`},
	})
}

func TestJSONKeys(t *testing.T) {
	runReadTests(t, "list.json", []readTest{
		{name: "names", text: `{"User Principal-Name":"DANA","PASS_ID":"PASS1"}` +
			`{"upn":"ELI","temporaryAccessPassAuthenticationMethodId":"PASS2"}`,
			want: at(1, 1)},
		{name: "order of names", text: `{"upn":"ELI","userId":"OID1"}`,
			want: []Pair{{Line: 1, User: oid1, UPN: eli}}},
		{name: "empty names give way", text: `{"userId":"","objectId":null,"upn":"DANA"}`, want: userAt(1, dana)},
		{name: "null method", text: `{"user":"DANA","method":null}`, err: "method is null: leave it empty"},
		{name: "null method beside a pass", text: `{"user":"DANA","passId":null,"method":"PASS1"}`,
			want: []Pair{{Line: 1, User: dana, Method: pass1}}},
		{name: "no method", text: `{"user":"DANA","upn":null}`, want: userAt(1, dana)},
		{name: "empty method", text: `{"user":"DANA","method":" "}`, want: userAt(1, dana)},
		{name: "spaces", text: `{"user":"\u00a0DANA \n"}`, want: userAt(1, dana)},
		{name: "apostrophe stays", text: `{"user":"'=x@contoso.com"}`, want: userAt(1, "'=x@contoso.com")},
		{name: "escapes", text: `{"us\u0065r":"d\u0061na@contoso.com"}`, want: userAt(1, dana)},
		{name: "escaped quotes", text: `[{"note\",\"user":"a\",\"user\":\"x@y.z\\","user":"DANA"}]`, want: userAt(1, dana)},
		{name: "NUL", text: `{"user":"dana\u0000@contoso.com"}`, err: `user "da..." (17 characters) may not hold '\x00'`},
		{name: "not UTF-8", text: "{\"user\":\"jos\xe9@contoso.com\"}", err: "outside ASCII"},
		{name: "number", text: "\n{\"user\":7}", err: `list.json:2: "user" is a number, but must be a string`},
		{name: "boolean", text: `{"user":"DANA","method":false}`, err: `"method" is a boolean`},
		{name: "object", text: `{"user":{"id":"OID1"}}`, err: `"user" is an object`},
		{name: "array as method", text: `{"user":"DANA","method":["PASS1"]}`, err: `"method" is an array`},
		{name: "same key twice", text: `{"user":"DANA","user":"ELI"}`, err: `"user" and "user" are the same name twice`},
		{name: "same name twice", text: `{"user":"DANA","methodId":"PASS1","method_id":null}`, err: "the same name twice"},
		{name: "no user", text: `{"name":"x"}`, err: "list.json:1: no user: the object has none of the keys user, userId,"},
		{name: "error answer", text: `{"error":{"code":"x","user":"y"}}`, err: "no user"},
	})
}

func TestJSONIDs(t *testing.T) {
	runReadTests(t, "list.json", []readTest{
		{name: "user beside id", text: `{"user":"DANA","id":"PASS1"}`,
			err: `"id" beside "user" may be the user's id or the pass's`},
		{name: "user beside null id", text: `{"user":"DANA","id":null}`, err: `"id" beside "user"`},
		{name: "user beside id and method", text: `{"user":"DANA","id":"OID1","method":""}`,
			want: []Pair{{Line: 1, User: oid1, UPN: dana}}},
		{name: "Graph user", text: `{"@odata.context":"` + metadata + `#users(id,userPrincipalName)",` +
			`"value":[{"id":"OID1","userPrincipalName":"DANA"}]}`,
			want: []Pair{{Line: 1, User: oid1, UPN: dana}}},
		{name: "one Graph user", text: `{"@odata.context":"` + metadata + `#users/$entity","id":"OID1"}`,
			want: userAt(1, oid1)},
		{name: "user or pass", text: `{"value":[{"id":"OID1","userPrincipalName":"DANA"}]}`,
			err: `"id" beside "userPrincipalName" may be the user's id or the pass's`},
		{name: "passes of one user", text: `{"@odata.context":"` + metadata +
			`#users('x')/authentication/temporaryAccessPassMethods","value":[{"id":"PASS1"}]}`,
			err: "this is a pass without its user"},
		{name: "Graph pass", text: `{"value":[{"id":"PASS1","isUsableOnce":true}]}`, err: "this is a pass without its user"},
		{name: "Graph pass by lifetime", text: `[{"id":"PASS1","lifetimeInMinutes":60}]`,
			err: "this is a pass without its user"},
		{name: "Graph pass by reason", text: `[{"id":"PASS1","methodUsabilityReason":"Expired"}]`,
			err: "this is a pass without its user"},
		{name: "Graph pass with its user", text: `[{"userId":"OID1","methodId":"PASS1","lifetimeInMinutes":60}]`,
			want: []Pair{{Line: 1, User: oid1, Method: pass1}}},
		{name: "unknown name of the method", text: `{"user":"DANA","tapMethodId":"PASS1"}`,
			err: `"tapMethodId" holds a GUID, but is not a known column`},
		{name: "two methods", text: `{"user":"DANA","method":"PASS1","passId":"PASS2"}`, err: "method is given twice"},
	})
}

func TestBrokenJSON(t *testing.T) {
	runReadTests(t, "list.json", []readTest{
		{name: "element that is no object", text: "[\n[OBJ1],\nOBJ2]", err: "list.json:2: the element is an array"},
		{name: "element null", text: "[null]", err: "the element is null"},
		{name: "text", text: `"x"`, err: "list.json:1: an object or an array has to start here"},
		{name: "broken", text: "[OBJ1,\nOBJ2,\n\n  x]", err: "list.json:4: the JSON is broken: invalid character 'x'"},
		{name: "missing comma", text: "[OBJ1\nOBJ2]", err: "list.json:2: the JSON is broken"},
		{name: "comma at the end", text: "[OBJ1,\n]", err: "list.json:2: the JSON is broken"},
		{name: "comma between documents", text: "OBJ1,\nOBJ2", err: "the JSON is broken"},
		{name: "torn off", text: "[OBJ1,\n" + obj2[:20], err: "list.json:2: the JSON ends too early: is the file complete?"},
		{name: "torn off after an element", text: "[OBJ1,\n", err: "the JSON ends too early: is the file complete?"},
		{name: "stray bracket", text: "OBJ1\n]", err: "list.json:2: the JSON is broken"},
	})
}

// The size of an element is bounded, and that of a list is not.
func TestJSONSizes(t *testing.T) {
	big, deep := strings.Repeat("a", maxRowBytes), strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)
	var small []string // which are longer than a row may be, together
	var smallPairs []Pair
	for i := range 3000 {
		user := fmt.Sprintf("user%d@contoso.com", i)
		small = append(small, `{"user":"`+user+`","x":"`+big[:1000]+`"}`)
		smallPairs = append(smallPairs, Pair{Line: i + 1, User: user})
	}
	runReadTests(t, "list.json", []readTest{
		{name: "big array of small elements", text: "[" + strings.Join(small, ",\n") + "]", want: smallPairs},
		{name: "many small documents", text: strings.Join(small, "\n"), want: smallPairs},
		{name: "big ignored value", text: `[{"user":"DANA","x":"` + big[100:] + `"}]`, want: userAt(1, dana)},
		{name: "element too long", text: "[OBJ1,\n{\"x\":\"" + big + `","user":"ELI"}]`,
			err: "list.json:2: an element from here on is longer than 1 MiB"},
		{name: "many lines between elements", text: "[OBJ1," + strings.Repeat("\n", 100_000) + obj2 + "]",
			want: at(1, 100_001)},
		{name: "space without end", text: "[" + obj1 + strings.Repeat(" ", 2*maxRowBytes) + "]", err: "longer than 1 MiB"},
		{name: "nested", text: `{"x":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `,"user":"DANA"}`,
			want: userAt(1, dana)},
		{name: "nested too deep", text: `{"x":` + deep + `,"user":"DANA"}`,
			err: "the JSON is broken"},
		{name: "nested too deep in value", text: `{"value":{"x":` + deep + `},"user":"DANA"}`,
			want: userAt(1, dana)},
	})
}

func TestReadJSONLines(t *testing.T) {
	runReadTests(t, "list.jsonl", []readTest{
		{name: "lines", text: "OBJ1\n\nOBJ2", want: at(1, 3)},
		{name: "CRLF", text: "OBJ1\r\nOBJ2\r\n", want: at(1, 2)},
		{name: "documents on a line", text: "[OBJ1]\n{\"value\":[OBJ2]}\n", want: at(1, 2)},
		{name: "broken lines stand alone", text: "{\"user\"\nOBJ1\nOBJ2}\nx\n",
			err: "list.jsonl:1: the JSON ends too early: is the file complete?\n" +
				"list.jsonl:3: the JSON is broken: invalid character '}' looking for beginning of value\n" +
				"list.jsonl:4: the JSON is broken"},
		{name: "object over lines", text: "\n{\n\"user\":\"DANA\"}\n", want: []Pair{{Line: 2, User: dana}}},
		{name: "array over lines", text: "[\nOBJ1,\nOBJ2\n]\n", want: at(2, 3)},
		{name: "answer over lines", text: "{\"value\": [\nOBJ1,\nOBJ2\n]}\n", want: at(2, 3)},
		{name: "first line torn", text: obj1[:9] + "\nOBJ2\n", err: "list.jsonl:1: the JSON ends too early: is the file complete?"},
		{name: "line too long", text: "OBJ1\n{\"x\":\"" + strings.Repeat("a", maxRowBytes) + "\"}\nx\n",
			err: "list.jsonl:2: the line is longer than 1 MiB\nlist.jsonl:3: "},
		{name: "no user", text: "OBJ1\n{}\n", err: "list.jsonl:2: no user"},
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
		for _, skip := range []bool{false, true} {
			l, err := Open([]string{write(t, "l.json", tt.text)}, Options{SkipInvalid: skip})
			check(t, fmt.Sprintf("%s: Open succeeds with SkipInvalid %t", tt.name, skip), err == nil, tt.ok)
			if err == nil {
				l.Close()
			}
		}
	}
}

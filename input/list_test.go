package input

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// The place of a row has its column if another row starts on the same line, also in errors.
func TestPlaces(t *testing.T) {
	path := write(t, "list.json", `[OBJ1, OBJ2,`+"\n"+`OBJ2,{"user":7}]`)
	var got []string
	for _, p := range all(t, open(t, Options{SkipInvalid: true}, path)) {
		got = append(got, strings.TrimPrefix(p.Place(), path+":"))
		if p.Err != nil {
			checkError(t, "the refused row", p.Err, p.Place()+": ")
		}
	}
	second := 2 + len(obj1) + 2 // the column of OBJ2 in [OBJ1, OBJ2
	want := []string{"1", fmt.Sprint("1:", second), "2", fmt.Sprint("2:", len(obj2)+2)}
	assert.Equal(t, "places", got, want)
}

// The digest is that of the unique pairs in their order.
func TestDigest(t *testing.T) {
	digest := func(text string) string { return open(t, Options{}, write(t, "l.csv", text)).Digest() }
	base := digest("user,method\nDANA,PASS1\nELI,\n")
	for _, tt := range []struct {
		name, text string
		same       bool
	}{
		{"case, order of columns and repeats", "upn,x,methodId\n" +
			strings.ToUpper(dana) + ",," + strings.ToUpper(pass1) + "\nDANA,,PASS1\nELI,,\n", true},
		{"other order", "user,method\nELI,\nDANA,PASS1\n", false},
		{"other pass", "user,method\nDANA,PASS2\nELI,\n", false},
		{"no pass", "user,method\nDANA,\nELI,\n", false},
		{"one more", "user,method\nDANA,PASS1\nELI,\nELI,PASS1\n", false},
	} {
		assert.Same(t, tt.name+": whether the digest is the same", digest(tt.text) == base, tt.same)
	}
}

func TestProblems(t *testing.T) {
	var text strings.Builder
	text.WriteString("user,method\n")
	for i := range 25 {
		fmt.Fprintf(&text, "%s,nope%d\n", dana, i)
	}
	csv := write(t, "a.csv", text.String())
	json := write(t, "b.json", "[")
	_, err := Open([]string{csv, json}, Options{})
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("Open = %#v, want *Problems", err)
	}
	assert.Same(t, "Count", problems.Count, 26)
	assert.Same(t, "the number of kept errors", len(problems.Errs), 20)
	assert.Same(t, "the number of unwrapped errors", len(problems.Unwrap()), 20)
	lines := strings.Split(err.Error(), "\n")
	assert.Same(t, "the number of lines", len(lines), 21)
	assert.Holds(t, "the first line", lines[0], csv+":2: ")
	assert.Same(t, "the last line", lines[len(lines)-1], "and 6 more")
	first := *problems.Errs[0]
	first.Msg, first.Err = "", nil
	assert.Same(t, "the first error", first, LineError{Source: csv, Line: 2})
}

// SkipInvalid leaves bad rows out, but takes no list that cannot be read to its end.
func TestSkipInvalid(t *testing.T) {
	path := write(t, "a.csv", "user,method\nDANA,\x1b[2Jnope\nELI\nELI,\n")
	l := open(t, Options{SkipInvalid: true}, path)
	var got []string
	for _, p := range all(t, l) {
		if p.Err != nil {
			assert.As[*LineError](t, "the error of a row", p.Err)
		}
		got = append(got, fmt.Sprintf("%d %s %s %t", p.Line, p.User, p.Method, p.Err != nil))
	}
	want := []string{"2 " + dana + ` \x1b[... (8 characters) true`, "3   true", "4 " + eli + "  false"}
	assert.Equal(t, "Pairs()", got, want)
	assert.Same(t, "Stats()", l.Stats(), Stats{Rows: 3, Unique: 1, Invalid: 2, AnyPass: 1})
	for name, text := range map[string]string{
		"no good row":           "user\nx\ny\n",
		"no header":             "DANA,PASS1\n",
		"a swallowed row":       "user,x\nDANA,\"\nELI,\nDANA,\"z\nDANA,\n",
		"an unclosed quote":     "user,x\nDANA,\nDANA,\"\nELI,\n",
		"broken JSON":           "OBJ1\n{x}\nOBJ2",
		"JSON that is torn":     "[OBJ1",
		"one page of Graph's":   `{"value":[OBJ1],"@odata.nextLink":"x"}`,
		"one page, by kiota":    `{"odataNextLink":"x","value":[OBJ1]}`,
		"one page, in capitals": `{"value":[OBJ1],"@odata.NextLink":"x"}`,
		"one page, by Python":   `{"value":[OBJ1],"odata_next_link":"x"}`,
	} {
		_, err := Open([]string{write(t, "list", text)}, Options{SkipInvalid: true})
		assert.That(t, err != nil, "%s: Open returns no error", name)
	}
}

// A carriage return or U+2028 in a comment, or in a column that is ignored, swallowed the rows behind it.
func TestEndsOfLines(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"CR in a value":             {"user,method,note\nDANA,,x\rELI,,\n", ":2: lines end with a lone"},
		"CR before a value":         {"user,method,note\nDANA,,\rELI,,\n", ":2: lines end with a lone"},
		"VT in a value":             {"user,method,note\nDANA,,\nDANA,,x\vELI,,\n", ":3: lines end with"},
		"U+2028 in a value":         {"user,method,note\nDANA,,x\u2028ELI,,\n", ":2: lines end with"},
		"U+0085 behind quotes":      {"user,method,note\nDANA,,\"x\"\"\"\u0085ELI,,\n", ":2: lines end with"},
		"CR in a comment":           {"# a\rDANA\nELI\n", ":1: lines end with a lone carriage return"},
		"U+2029 in a later comment": {"DANA\n# a\u2029ELI\n", ":2: lines end with"},
		"in quotes":                 {"user,method,note\nDANA,,\"x\v\r\n\ry\r\"\r\n", ""},
		"CR CR LF":                  {"user,method\r\r\nDANA,\r\r\n", ""},
		"other characters":          {"user,method,note\nDANA,,\u00c5\u2027\u202a\u0105\n", ""},
	} {
		l, err := Open([]string{write(t, "list", tt.text)}, Options{})
		if err == nil {
			l.Close()
		}
		assert.Says(t, name, err, tt.want)
	}
}

// A row of 300 MB was kept in memory several times.
func TestRowTooLong(t *testing.T) {
	long, short := strings.Repeat("a", 2<<20), strings.Repeat("a", 1<<20)
	for name, tt := range map[string]struct{ text, want string }{
		"CSV":             {"user,note\nDANA,x\nELI," + long + "\n", ":3: the row is longer than 1 MiB"},
		"the header":      {"user," + long + "\nELI,\n", ":1: the row is longer"},
		"plain text":      {"DANA\n" + long + "\n", ":2: the row is longer"},
		"a comment":       {"DANA\n#" + long + "\n", ":2: the row is longer"},
		"JSON":            {`[{"user":"DANA"},` + "\n" + `{"user":"ELI","note":"` + long + `"}]`, ":2: the row"},
		"JSON Lines":      {`{"user":"DANA"}` + "\n" + `{"user":"ELI","note":"` + long + `"}`, ":2: the row"},
		"CSV of 1 MiB":    {"user,note\nDANA," + short + "\nELI," + short + "\nDANA,\n", ""},
		"JSON of 1 MiB":   {`{"value":[{"user":"DANA","x":"` + short + `"},{"user":"ELI","y":"` + short + `"}]}`, ""},
		"many rows":       {"user,note\n" + strings.Repeat("DANA,aaaaaaaaaaaaaaaaaaaaaaaa\n", 50_000), ""},
		"many empty rows": {"user\nDANA\n" + strings.Repeat("\n", 2<<20), ""},
	} {
		l, err := Open([]string{write(t, "list", tt.text)}, Options{})
		if err == nil {
			l.Close()
		}
		assert.Says(t, name, err, tt.want)
	}
}

func TestHoldsGUID(t *testing.T) {
	const id, hex = "9f0c11aa-1111-4222-8333-00000000000A", "9f0c11aa111142228333000000000001"
	for s, want := range map[string]bool{id: true, "(" + id + ")": true, "x" + id + "y": true, "a-b " + id: true,
		hex: true, "pass:" + hex + ".": true, "a" + hex: false, hex + "_": false, hex[1:]: false, id[1:]: false,
		id[:35] + "g": false, "": false, strings.Repeat("a", 1<<20): false, strings.Repeat("-", 1<<20): false} {
		assert.Same(t, fmt.Sprintf("holdsGUID(%.60q)", s), holdsGUID(s), want)
	}
}

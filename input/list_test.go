package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestRepeats(t *testing.T) {
	first := write(t, "a.csv", "user,method\nDANA,PASS1\nDANA,\nELI,PASS1\n"+
		strings.ToUpper(dana)+","+strings.ToUpper(pass1)+"\n")
	second := write(t, "b.jsonl", "OBJ2\nOBJ1\nOBJ2\n")
	l := open(t, Options{}, first, second)
	want := []Pair{
		{Source: first, Line: 2, User: dana, Method: pass1},
		{Source: first, Line: 3, User: dana},
		{Source: first, Line: 4, User: eli, Method: pass1},
		{Source: first, Line: 5, User: strings.ToUpper(dana), Method: strings.ToUpper(pass1), FirstOf: &Pos{first, 2}},
		{Source: second, Line: 1, User: eli, Method: pass2},
		{Source: second, Line: 2, User: dana, Method: pass1, FirstOf: &Pos{first, 2}},
		{Source: second, Line: 3, User: eli, Method: pass2, FirstOf: &Pos{second, 1}},
	}
	for range 2 { // as often as wanted
		if diff := cmp.Diff(want, all(t, l)); diff != "" {
			t.Errorf("Pairs() (-want +got):\n%s", diff)
		}
	}
	check(t, "Stats()", l.Stats(), Stats{Rows: 7, Unique: 4, Duplicates: 3, Users: 2, AnyPass: 1})
	for range l.Pairs() {
		break // must not be asked again
	}
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

// The table tells apart pairs that fall into one of its slots, by the whole hash.
func TestPairSetComparesWholeHash(t *testing.T) {
	s := newPairSet()
	key := pairKey(row{user: dana})
	if !s.add(key, 2) {
		t.Error("add takes a new pair for a known one")
	}
	if s.add(key, 3) {
		t.Error("add takes a known pair for a new one")
	}
	for i := range 4 {
		other := s.hash(key)
		other[i] ^= 1 << 31
		if n := *s.slot(other); n != 0 {
			t.Errorf("a hash that differs in word %d is found as pair %d", i, n)
		}
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
	check(t, "Count", problems.Count, 26)
	check(t, "the number of kept errors", len(problems.Errs), 20)
	check(t, "the number of unwrapped errors", len(problems.Unwrap()), 20)
	lines := strings.Split(err.Error(), "\n")
	check(t, "the number of lines", len(lines), 21)
	check(t, "the first line", lines[0], csv+`:2: method "no..." (5 characters) is not a GUID: `+
		"this looks like the pass itself, not its id; write the pass id as 8-4-4-4-12 hex digits")
	check(t, "the last line", lines[len(lines)-1], "and 6 more")
	first := *problems.Errs[0]
	first.Msg, first.Err = "", nil
	check(t, "the first error", first, LineError{Source: csv, Line: 2})
}

func TestSkipInvalid(t *testing.T) {
	path := write(t, "a.csv", "user,method\nDANA,\x1b[2Jnope\nELI\nDANA,\"PASS1\"x\nELI,\n")
	l := open(t, Options{SkipInvalid: true}, path)
	var got []string
	for _, p := range all(t, l) {
		if _, ok := errors.AsType[*LineError](p.Err); ok != (p.Err != nil) {
			t.Errorf("Err is a %T", p.Err)
		}
		got = append(got, fmt.Sprintf("%d %s %s %t", p.Line, p.User, p.Method, p.Err != nil))
	}
	want := []string{"2 " + dana + ` \x1b[... (8 characters) true`, "3 " + eli + "  true", "4   true",
		"5 " + eli + "  false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Pairs() (-want +got):\n%s", diff)
	}
	hard := map[string]string{
		"no good row":   "user\nx\ny\n",
		"no header":     "DANA,PASS1\n",
		"swallowed row": "user,x\nDANA,\"\nELI,\nDANA,\"z\nDANA,\n",
		"unclosed":      "user,x\nDANA,\nDANA,\"\nELI,\n",
		"too long":      "user,x\nDANA,\nDANA," + strings.Repeat("x", maxRowBytes) + "\n",
		"broken JSON":   "OBJ1\n{x}\nOBJ2",
		"torn JSON":     "[OBJ1",
	}
	for name, text := range hard {
		if l, err := Open([]string{write(t, "list", text)}, Options{SkipInvalid: true}); err == nil {
			t.Errorf("%s: Open = nil, Stats() = %+v, want an error", name, l.Stats())
		}
	}
	l = open(t, Options{SkipInvalid: true}, write(t, "a.jsonl", obj1+"\n{x}\n"+obj2+"{\n"+obj2+"\n"))
	check(t, "Stats()", l.Stats(), Stats{Rows: 4, Unique: 2, Invalid: 2, Users: 2})
}

func TestOpenRefuses(t *testing.T) {
	good := write(t, "a.csv", "user\nDANA\n")
	tests := []struct {
		name  string
		names []string
		opts  Options
		err   string
	}{
		{"nothing named", nil, Options{}, "no list is named"},
		{"unknown format", []string{good}, Options{Format: "xml"}, `format "xml" is not known: use csv, json, jsonl`},
		{"stdin twice", []string{"-", good, "-"}, Options{}, "named twice"},
		{"the same list twice", []string{good, good}, Options{}, "named twice: name each list once"},
		{"missing file", []string{good, good + "x"}, Options{}, good + "x"},
		{"directory", []string{filepath.Dir(good)}, Options{}, filepath.Dir(good) + " is a directory"},
		{"empty file", []string{write(t, "e.csv", "\n \r\n")}, Options{}, "no valid rows in "},
		{"an empty list and an empty file", []string{write(t, "a.csv", "user\n"), write(t, "b.csv", "")}, Options{},
			"b.csv is empty"},
		{"header alone", []string{write(t, "e.csv", "user,method\n;\n")}, Options{}, "e.csv:2"},
		{"all refused", []string{write(t, "e.csv", "user\nx\ny\n")}, Options{SkipInvalid: true},
			"2 rows were refused, the first because of "},
		{"other format than the extension", []string{good}, Options{Format: "json"}, "the JSON is broken"},
		{"stdin that fails", []string{"-"}, Options{Stdin: iotest.ErrReader(errors.New("gone"))},
			"reading stdin: gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.names, tt.opts)
			checkError(t, fmt.Sprintf("Open(%q)", tt.names), err, tt.err)
		})
	}
	if _, err := Open([]string{good + "x"}, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file = %v, want fs.ErrNotExist", err)
	}
}

// An error of the reader is neither the end of a list nor an error in the list.
func TestReadErrors(t *testing.T) {
	for _, text := range []string{"user,x\nDANA,\nDANA,\"", "user,x\nDANA,\nd\"", "{} {", "user", "\"us\n"} {
		text = filled.Replace(text)
		broken := io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("gone")))
		var err error
		if discard := func(row) bool { return true }; strings.HasPrefix(text, "{") {
			err = readJSON(broken, false, discard)
		} else {
			err = readCSV(broken, false, discard)
		}
		if err == nil || err.Error() != "gone" {
			t.Errorf("reading %q = %v, want the reader's error", text, err)
		}
	}
}

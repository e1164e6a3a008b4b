package input

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	xunicode "golang.org/x/text/encoding/unicode"
)

func utf16(order xunicode.Endianness, text string) string {
	out, err := xunicode.UTF16(order, xunicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return out
}

// forms writes the same pairs in every way that the readers know.
func forms(pairs []Pair) map[string]string {
	lines := asObjects(pairs, "\n")
	array := "[\n" + asObjects(pairs, ",\n") + "\n]"
	half := len(pairs) / 2
	graph := `{"@odata.context":"c","value":[` + asObjects(pairs[:half], ",") + `]}` +
		"\n" + `{"value":[` + asObjects(pairs[half:], ",") + `]}`
	comma := asCSV(pairs, ',', true)
	return map[string]string{
		"comma.csv":      comma,
		"semicolon.csv":  asCSV(pairs, ';', false),
		"tabs.tsv":       asCSV(pairs, '\t', true),
		"sniffed.txt":    comma,
		"noextension":    comma,
		"bom.csv":        "\ufeff" + comma,
		"utf16le.csv":    utf16(xunicode.LittleEndian, comma),
		"utf16be.csv":    utf16(xunicode.BigEndian, comma),
		"type.csv":       "#TYPE System.Object\r\n" + comma,
		"sep.CSV":        "sep=;\r\n" + asCSV(pairs, ';', true),
		"array.json":     array,
		"graph.json":     graph,
		"lines.jsonl":    lines,
		"lines.ndjson":   strings.ReplaceAll(lines, "\n", "\r\n"),
		"lines.json":     lines,
		"joined.json":    asObjects(pairs, ""),
		"bom.json":       "\ufeff" + array,
		"bom.jsonl":      "\ufeff" + lines,
		"utf16le.json":   utf16(xunicode.LittleEndian, array),
		"utf16be.jsonl":  utf16(xunicode.BigEndian, lines),
		"sniffed2.txt":   " \n" + array,
		"sniffed3.UTF16": utf16(xunicode.LittleEndian, lines),
	}
}

func TestForms(t *testing.T) {
	want := somePairs(2000)
	digest := ""
	for file, text := range forms(want) {
		t.Run(file, func(t *testing.T) {
			path := write(t, file, text)
			l := open(t, Options{}, path)
			got := all(t, l)
			for i := range got {
				if got[i].Source != path || got[i].Line == 0 {
					t.Fatalf("pair %d is at %s:%d", i, got[i].Source, got[i].Line)
				}
				got[i].Source, got[i].Line, got[i].Column = "", 0, 0
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pairs (-want +got):\n%s", diff)
			}
			if digest == "" {
				digest = l.Digest()
			}
			check(t, "the digest, which is the same in all forms,", l.Digest(), digest)
			check(t, "the length of the digest", len(digest), len("sha256:")+64)
		})
	}
}

func TestDigestTellsListsApart(t *testing.T) {
	digest := func(text string) string { return open(t, Options{}, write(t, "l.csv", text)).Digest() }
	base := digest("user,method\n" + dana + "," + pass1 + "\n" + eli + ",\n")
	tests := []struct {
		name, text string
		same       bool
	}{
		{"case, order of columns and repeats", "upn,x,id,methodId\n" +
			strings.ToUpper(dana) + ",,," + strings.ToUpper(pass1) + "\nDANA,,,PASS1\nELI,,,\n", true},
		{"other order", "user,method\n" + eli + ",\n" + dana + "," + pass1 + "\n", false},
		{"other pass", "user,method\n" + dana + "," + pass2 + "\n" + eli + ",\n", false},
		{"no pass", "user,method\n" + dana + ",\n" + eli + ",\n", false},
		{"one more", "user,method\n" + dana + "," + pass1 + "\n" + eli + ",\n" + eli + "," + pass1 + "\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := digest(tt.text); (got == base) != tt.same {
				t.Errorf("digest equal to the first list's: %t, want %t", got == base, tt.same)
			}
		})
	}
}

// A reader is one of the functions that hand out the rows of a text.
type reader func(*bufio.Reader, func(row) bool) error

func csvRows(text *bufio.Reader, yield func(row) bool) error  { return readCSV(text, false, yield) }
func jsonRows(text *bufio.Reader, yield func(row) bool) error { return readJSON(text, false, yield) }
func plainRows(text *bufio.Reader, yield func(row) bool) error {
	return readPlain(text, true, yield)
}
func jsonLines(text *bufio.Reader, yield func(row) bool) error {
	return readLines(text, false, yield)
}

// accepted returns the good rows of text. It goes around Open, whose files and
// random seeds would make fuzzing slow and blind.
func accepted(t *testing.T, read reader, text string) ([]Pair, error) {
	var pairs []Pair
	last := 0
	places := make(map[[2]int]bool)
	err := read(Decode(strings.NewReader(text)), func(r row) bool {
		if place := [2]int{r.line, r.column}; places[place] {
			t.Errorf("two rows at line %d, column %d", r.line, r.column)
		} else {
			places[place] = true
		}
		last = checkLine(t, r, last)
		if r.err == nil {
			pairs = append(pairs, Pair{User: r.user, Method: r.method})
		}
		return true
	})
	return pairs, err
}

// checkLine checks that a row and its error have the same line, which is not before the last one.
// It returns the new last line.
func checkLine(t *testing.T, r row, last int) int {
	t.Helper()
	if r.line == 0 {
		t.Errorf("a row has no line: %+v", r)
	}
	if r.err != nil {
		check(t, "the line of an error", r.err.Line, r.line)
	}
	// An object that is refused because it also holds rows comes after them, and has a column.
	if after := r.err != nil && r.column > 0; r.line < last && !after {
		t.Errorf("a row of line %d comes after one of line %d", r.line, last)
	}
	return max(last, r.line)
}

// checkRead holds the rows that are read from text to what every reader promises.
func checkRead(t *testing.T, read reader, text string) {
	pairs, _ := accepted(t, read, text)
	for _, p := range pairs {
		if err := CheckUser(p.User); err != nil {
			t.Errorf("accepted user: %v", err)
		}
		if p.Method != "" && CheckMethod(p.Method) != nil {
			t.Errorf("accepted method %q", p.Method)
		}
	}
	for name, form := range map[string]struct {
		read reader
		text string
	}{
		"CSV":        {csvRows, asCSV(pairs, ',', false)},
		"JSON":       {jsonRows, "[" + asObjects(pairs, ",") + "]"},
		"JSON Lines": {jsonLines, asObjects(pairs, "\n")},
	} {
		again, err := accepted(t, form.read, form.text)
		if diff := cmp.Diff(pairs, again); diff != "" || err != nil {
			t.Errorf("written as %s and read again: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func seed(f *testing.F) {
	paths, err := filepath.Glob(samples + "/*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no samples: %v", err)
	}
	more, err := filepath.Glob(cases + "/*")
	if err != nil || len(more) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, path := range append(paths, more...) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
}

func FuzzCSV(f *testing.F) {
	seed(f)
	f.Add("user,method\n''-a@b.c,\n'=a@b.c,\n\"x\ny\"@b.c,\n")
	f.Add("upn,method\nme,\n ME ," + pass1 + "\n")
	f.Fuzz(func(t *testing.T, data string) {
		checkRead(t, csvRows, data)
		checkRead(t, plainRows, data)
	})
}

func FuzzJSON(f *testing.F) {
	seed(f)
	f.Add(`{"value":[{"user":"'=a@b.c"}]}`)
	f.Add(`[{"user":"Me"}]`)
	f.Add(`{"user":"a@b.c"}{"value":[` + "\n" + `{"user":"a@b.c"}],"user":"a@b.c"}`)
	f.Fuzz(func(t *testing.T, data string) {
		checkRead(t, jsonRows, data)
		checkRead(t, jsonLines, data)
	})
}

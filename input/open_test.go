package input

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"tapsweep/testdata/assert"
)

func TestOpenRefuses(t *testing.T) {
	good := write(t, "a.csv", "user\nDANA\n")
	for _, tt := range []struct {
		name  string
		names []string
		opts  Options
		err   string
	}{
		{"nothing named", nil, Options{}, "no list is given"},
		{"stdin twice", []string{"-", good, "-"}, Options{}, "named twice"},
		{"the same list twice", []string{good, good}, Options{}, "named twice: name each list once"},
		{"directory", []string{filepath.Dir(good)}, Options{}, filepath.Dir(good) + " is a directory"},
		{"empty file", []string{write(t, "e.csv", "\n \r\n")}, Options{}, "e.csv:1: the list is empty"},
		{"an empty file beside a good list", []string{good, write(t, "b.csv", "")}, Options{SkipInvalid: true},
			"b.csv:1: the list is empty"},
		{"comments beside a good list", []string{good, write(t, "b.txt", "# users\rELI\r")}, Options{},
			"b.txt:1: the list is empty, or has only comments"},
		{"all refused", []string{write(t, "e.csv", "user\nx\ny\n")}, Options{SkipInvalid: true},
			"2 rows were refused, the first because of "},
		{"stdin that fails", []string{"-"}, Options{Stdin: iotest.ErrReader(errors.New("gone"))}, "gone"},
		{"a list and Self", []string{good}, Options{Self: true}, "--self takes no list"},
		{"an empty user", nil, Options{Users: []string{""}}, "--user: user "},
		{"a user that is no name", nil, Options{Users: []string{dana, "dana"}}, "--user: user "},
		{"two users in one", nil, Options{Users: []string{dana + "\n" + eli}}, "--user: user "},
		{"whoever is signed in", nil, Options{Users: []string{"me"}}, "--user: user "},
	} {
		_, err := Open(tt.names, tt.opts)
		checkError(t, tt.name+": Open", err, tt.err)
	}
	_, err := Open([]string{good + "x"}, Options{})
	assert.Is(t, "Open of a missing file", err, fs.ErrNotExist)
}

// The first row may come after any number of empty lines and comments, however long they are.
func TestLongStart(t *testing.T) {
	const many = bufferBytes + 1
	for name, start := range map[string]string{
		"empty lines":                strings.Repeat("\n", many),
		"spaces in one":              strings.Repeat(" ", many) + "# note\n",
		"comments":                   strings.Repeat("# note\n", many),
		"one long comment":           "#" + strings.Repeat(" note", many) + "\n",
		"a row that the buffer cuts": strings.Repeat("#\n", bufferBytes/2-3),
	} {
		pairs := all(t, open(t, Options{}, write(t, "list.txt", start+"DANA")))
		assert.Same(t, name+": the number of rows", len(pairs), 1)
		assert.Same(t, name+": the user", pairs[0].User, dana)
		assert.Same(t, name+": the line", pairs[0].Line, strings.Count(start, "\n")+1)
	}
}

func TestUsersWithoutList(t *testing.T) {
	list := write(t, "l.csv", "user\nELI\nDANA\n")
	l := open(t, Options{Users: []string{dana, oid1}}, list)
	assert.Same(t, "Stats()", l.Stats(), Stats{Rows: 4, Unique: 3, Duplicates: 1, AnyPass: 3})
	pairs := all(t, l)
	assert.Same(t, "the first user", pairs[0].User, dana)
	assert.Same(t, "the first place", pairs[0].Place(), "--user:1")
	assert.Same(t, "the place that the list repeats", *pairs[3].FirstOf, Pos{NamedSource, 1})
	assert.Same(t, "IsSelf()", l.IsSelf(), false)

	self := open(t, Options{Self: true})
	assert.Equal(t, "Pairs()", all(t, self), []Pair{{Source: SelfSource, Line: 1, User: Me}})
	assert.Same(t, "IsSelf() with Options.Self", self.IsSelf(), true)
}

// Rows are those that Open checked, whatever becomes of the list. Standard input can be read once.
// No temporary file is left, not even by a process that is killed.
func TestRowsAreKept(t *testing.T) {
	temp := setTemp(t, t.TempDir())
	path := write(t, "list.csv", "user,method\nDANA,PASS1\nELI,\n")
	l := open(t, Options{Stdin: iotest.OneByteReader(strings.NewReader(obj1 + "\n" + obj2))}, path, "-")
	assert.OK(t, os.WriteFile(path, []byte("user\nother@contoso.com\n"), 0o600))
	want := []Pair{
		{Source: path, Line: 2, User: dana, Method: pass1},
		{Source: path, Line: 3, User: eli},
		{Source: "stdin", Line: 1, User: dana, Method: pass1, FirstOf: &Pos{path, 2}},
		{Source: "stdin", Line: 2, User: eli, Method: pass2},
	}
	for range 2 { // as often as wanted
		assert.Equal(t, "Pairs()", all(t, l), want)
	}
	for range l.Pairs() {
		break // must not be asked again
	}
	if runtime.GOOS != "windows" {
		assert.Same(t, "files of an open list", len(assert.Must(os.ReadDir(temp))), 0)
	}
	assert.Is(t, "Close()", l.Close(), nil)
	for _, names := range [][]string{{"-"}, {"-", temp}} { // nobody closes a List that is not there
		_, err := Open(names, Options{Stdin: strings.NewReader("user\nbad\n")})
		assert.That(t, err != nil, "Open(%q) returns no error", names)
	}
	assert.Same(t, "files left behind", len(assert.Must(os.ReadDir(temp))), 0)
	for yielded, err := range l.Pairs() {
		assert.That(t, err != nil, "Pairs() after Close yields %v", yielded)
	}
	setTemp(t, filepath.Join(temp, "none"))
	_, err := Open([]string{path}, Options{})
	checkError(t, "Open without a temporary directory", err, "set TMPDIR to a directory")
}

// If the disk is full, the error says what to do.
func TestTemporaryOnAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	_, err = temporary{full}.Write([]byte("x"))
	assert.Is(t, "Write", err, syscall.ENOSPC)
	assert.Says(t, "Write", err, "set TMPDIR to another directory")
}

// setTemp makes a directory the one for temporary files, and returns it.
func setTemp(t *testing.T, dir string) string {
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // of Windows
	return dir
}

// An error of reading is neither the end of a list nor an error in the list.
func TestReadErrors(t *testing.T) {
	for _, text := range []string{"user,x\nDANA,\nDANA,\"", "{} {", "user", "\"us\n", "DANA\nELI"} {
		broken := io.MultiReader(strings.NewReader(filled.Replace(text)), iotest.ErrReader(errors.New("gone")))
		s := &source{yield: func(ListRow) {}}
		var err error
		switch br := Decode(broken); text[0] {
		case '{':
			err = s.readJSON(br)
		case 'D':
			err = s.readPlain(br)
		default:
			err = s.readCSV(br)
		}
		assert.Same(t, fmt.Sprintf("the error of reading %q", text), fmt.Sprint(err), "gone")
	}
}

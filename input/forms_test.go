package input

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xunicode "golang.org/x/text/encoding/unicode"

	"tapsweep/testdata/assert"
)

// somePairs returns n different pairs of every kind, none of them with a position.
func somePairs(n int) []Pair {
	users := []string{"user%d@contoso.com", "3f2a1c00-0000-4000-8000-%012x",
		"=o'neil%d_fabrikam.com#EXT#@contoso.onmicrosoft.com", "'-$user%d@example.com"}
	pairs := make([]Pair, n)
	for i := range pairs {
		p := &pairs[i]
		p.User = fmt.Sprintf(users[i%len(users)], i)
		if i%3 != 0 {
			p.Method = fmt.Sprintf("9f0c7d00-0000-4000-8000-%012x", i)
			p.Creation = Creation{By: "=HR, \"Jo\"", At: time.Unix(int64(i), 0).UTC(), AuditID: p.Method,
				Match: MatchTime}
		}
	}
	return pairs
}

func asCSV(pairs []Pair, comma rune, crlf bool) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = comma, crlf
	rows := [][]string{append([]string{"User Principal Name", "method_id", "display name"}, CreationColumns...)}
	for _, p := range pairs {
		row := []string{CSVValue(p.User), CSVValue(p.Method), "Müller, \"Jo\"\nline two; three"}
		for _, value := range p.Creation.Values() {
			row = append(row, CSVValue(value))
		}
		rows = append(rows, row)
	}
	_ = w.WriteAll(rows) // a Buffer takes all
	return b.String()
}

// asObjects returns the pairs as JSON objects between separators.
func asObjects(pairs []Pair, separator string) string {
	var objects []string
	for _, p := range pairs {
		o := map[string]any{"user": p.User, "note": []any{1, map[string]any{"user": "x"}}}
		if p.Method != "" {
			o["methodId"] = p.Method
		}
		if p.Creation != (Creation{}) {
			o["Created By"], o["createdAt"] = p.Creation.By, p.Creation.At
			o["audit_id"], o["auditMatch"] = p.Creation.AuditID, p.Creation.Match
		}
		objects = append(objects, string(assert.Must(json.Marshal(o))))
	}
	return strings.Join(objects, separator)
}

func utf16(order xunicode.Endianness, text string) string {
	return assert.Must(xunicode.UTF16(order, xunicode.UseBOM).NewEncoder().String(text))
}

// The same pairs are read from every form of a list, whatever its file is called.
func TestForms(t *testing.T) {
	want := somePairs(2000)
	half := len(want) / 2
	comma, lines := asCSV(want, ',', true), asObjects(want, "\n")
	array := "[\n" + asObjects(want, ",\n") + "\n]"
	digest := ""
	for form, text := range map[string]string{
		"commas":                            comma,
		"semicolons":                        asCSV(want, ';', false),
		"tabs":                              asCSV(want, '\t', true),
		"CSV with a byte order mark":        "\ufeff" + comma,
		"CSV in UTF-16":                     utf16(xunicode.LittleEndian, comma),
		"CSV in big-endian UTF-16":          utf16(xunicode.BigEndian, comma),
		"CSV of PowerShell":                 "#TYPE System.Object\r\n" + comma,
		"CSV of Excel":                      "sep=;\r\n" + asCSV(want, ';', true),
		"JSON array":                        array,
		"JSON array behind a space":         " \n" + array,
		"JSON array with a byte order mark": "\ufeff" + array,
		"JSON array in UTF-16":              utf16(xunicode.LittleEndian, array),
		"JSON Lines":                        lines,
		"JSON Lines with CRLF":              strings.ReplaceAll(lines, "\n", "\r\n"),
		"JSON Lines in UTF-16":              utf16(xunicode.BigEndian, lines),
		"JSON objects without a separator":  asObjects(want, ""),
		"answers of Graph": `{"@odata.context":"c","value":[` + asObjects(want[:half], ",") + `]}` +
			"\n" + `{"value":[` + asObjects(want[half:], ",") + `]}`,
	} {
		t.Run(form, func(t *testing.T) {
			l := open(t, Options{}, write(t, "list", text))
			got := all(t, l)
			for i := range got {
				if got[i].Line == 0 {
					t.Fatalf("pair %d has no line", i)
				}
				got[i].Source, got[i].Line, got[i].Column = "", 0, 0
			}
			assert.Equal(t, "pairs", got, want)
			if digest == "" {
				digest = l.Digest()
			}
			assert.Same(t, "the digest, which is the same in all forms,", l.Digest(), digest)
		})
	}
}

// lineOf returns the line that an error names, 0 if it names none.
func lineOf(err error) int {
	if bad, ok := errors.AsType[*LineError](err); ok {
		return bad.Line
	}
	return 0
}

// rowsOf returns the good rows of a text, and whether all of it is good. It writes no file, which would make
// fuzzing slow.
func rowsOf(t *testing.T, text string, usersOnly bool) (rows []Pair, good bool) {
	last, good := 0, true
	s := &source{name: "list", usersOnly: usersOnly, size: int64(len(text))}
	s.file = struct {
		io.ReaderAt
		io.Closer
	}{strings.NewReader(text), nil}
	s.yield = func(r ListRow) {
		assert.That(t, r.Line >= last, "a row of line %d comes after one of line %d", r.Line, last)
		last = max(r.Line, 1)
		if r.Err != nil {
			assert.Same(t, "the line of an error", lineOf(r.Err), r.Line)
			good = false
			return
		}
		rows = append(rows, Pair{User: r.User, UPN: r.UPN, Method: r.Method})
	}
	if err := s.rows(); err != nil {
		assert.That(t, lineOf(err) > 0, "reading ends with an error without a line: %v", err)
		return rows, false
	}
	return rows, good
}

// What is accepted are users and ids of passes, and stays the same in every other form. No user is
// lost when the text is read as a list of users.
func FuzzLists(f *testing.F) {
	for _, pattern := range []string{samples + "/*", cases + "/*"} {
		paths := assert.Must(filepath.Glob(pattern))
		assert.That(f, len(paths) > 0, "no lists in %s", pattern)
		for _, path := range paths {
			f.Add(string(assert.Must(os.ReadFile(path))))
		}
	}
	f.Add("user,method\n''-a@b.c,\n'=a@b.c,\n\"x\ny\"@b.c,\n")
	f.Add("upn,method\nme,\n ME ," + pass1 + "\n")
	f.Add(`{"user":"a@b.c"}{"value":[` + "\n" + `{"user":"'=a@b.c"}],"user":"Me"}`)
	f.Add("# break glass\n" + dana + "\n\n" + oid1)
	f.Fuzz(func(t *testing.T, text string) {
		pairs, good := rowsOf(t, text, false)
		for _, p := range pairs {
			checkError(t, "CheckUser of an accepted user", CheckUser(p.User), "")
			if p.Method != "" {
				checkError(t, "CheckMethod of an accepted pass", CheckMethod(p.Method), "")
			}
		}
		if users, _ := rowsOf(t, text, true); good {
			assert.Same(t, "the number of users", len(users), len(pairs))
		}
		for i := range pairs {
			pairs[i].UPN = "" // the forms below have no column for it
		}
		for form, text := range map[string]string{"CSV": asCSV(pairs, ',', false),
			"JSON": "[" + asObjects(pairs, ",") + "]", "JSON Lines": asObjects(pairs, "\n")} {
			again, _ := rowsOf(t, text, false)
			assert.Equal(t, "written as "+form+" and read again", again, pairs)
		}
	})
}

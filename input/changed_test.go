package input

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A list that changes between the passes must yield nothing that was not
// checked, and must not be taken for complete.
func TestListChanges(t *testing.T) {
	user := func(n int) string { return fmt.Sprintf("u%d@contoso.com,%s\n", n, pass1) }
	const head = "user,method\n"
	before := head + user(1) + user(2) + user(1) + user(3)
	tests := []struct {
		name, after string
		lines       []int // those yielded before the error
	}{
		{"unchanged", before, []int{2, 3, 4, 5}},
		{"same pairs written otherwise", filled.Replace("METHODID;upn\nPASS1;U1@contoso.com\nPASS1;u2@contoso.com\n" +
			"PASS1;u1@contoso.com\nPASS1;u3@contoso.com\n"), []int{2, 3, 4, 5}},
		{"other user", head + user(1) + user(9) + user(1) + user(3), []int{2}},
		{"other pass", head + user(1) + user(2) + user(1) + strings.ReplaceAll(user(3), pass1, pass2), []int{2, 3, 4}},
		{"pass removed", head + user(1) + "u2@contoso.com,\n" + user(1) + user(3), []int{2}},
		{"row added", before + user(4), []int{2, 3, 4, 5}},
		{"repeat added", before + user(2), []int{2, 3, 4, 5, 6}},
		{"row removed", head + user(1) + user(2) + user(1), []int{2, 3, 4}},
		{"repeat removed", head + user(1) + user(2) + "\n" + user(3), []int{2, 3, 5}},
		{"line inserted", "\n" + before, nil},
		{"order", head + user(2) + user(1) + user(1) + user(3), nil},
		{"repeat before its first", head + user(1) + user(3) + user(1) + user(2), []int{2}},
		{"bad row", head + user(1) + user(2) + "x,\n" + user(3), []int{2, 3}},
		{"broken", head + user(1) + user(2) + "\"", []int{2, 3}},
		{"other header", "name\n" + user(1), nil},
		{"emptied", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "list.csv", before)
			l := open(t, Options{}, path, write(t, "next.csv", "user\nnext@contoso.com\n"))
			if err := os.WriteFile(path, []byte(tt.after), 0o600); err != nil {
				t.Fatal(err)
			}
			lines, got := secondPass(l, path)
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("yielded lines (-want +got):\n%s", diff)
			}
			changed, ok := errors.AsType[*ChangedError](got)
			if wantOK := len(tt.lines) != 4 || tt.name == "row added"; ok != wantOK {
				t.Fatalf("error is %v, want a *ChangedError: %t", got, wantOK)
			}
			last := 0
			if len(lines) > 0 {
				last = lines[len(lines)-1]
			}
			if ok {
				check(t, "the error", *changed, ChangedError{Source: path, Line: last})
			}
		})
	}
}

// secondPass returns the lines of a list that the second pass yields, and its last error.
func secondPass(l *List, path string) (lines []int, last error) {
	for p, err := range l.Pairs() {
		if last = err; err == nil && p.Source == path {
			lines = append(lines, p.Line)
		}
	}
	return lines, last
}

func TestChangedMessage(t *testing.T) {
	check(t, "the message", (&ChangedError{"list.csv", 7}).Error(),
		"list.csv changed while it was being read; nothing after line 7 was used")
	check(t, "the message of a list of which nothing was used", (&ChangedError{"list.csv", 0}).Error(),
		"list.csv changed while it was being read; nothing of it was used")
}

// Pairs that share a line are still held to their order. With SkipInvalid, a good row that turned
// bad is not missed silently. A list that is gone is no list that changed.
func TestListChangesInOtherWays(t *testing.T) {
	const changed = "changed while it was being read"
	for _, tt := range []struct {
		name, file, before, after string
		opts                      Options
		lines                     []int
		err                       string
	}{
		{"order within a line", "l.json", "OBJ1OBJ2", obj2 + obj1, Options{}, nil, changed},
		{"a good row that turned bad", "l.csv", "user\nDANA\nELI\n", "user\n" + dana + "\nbad\n",
			Options{SkipInvalid: true}, []int{2, 3}, changed},
		{"removed", "l.csv", "user\nDANA\n", "", Options{}, nil, "no such file"},
	} {
		path := write(t, tt.file, tt.before)
		l := open(t, tt.opts, path)
		err := os.WriteFile(path, []byte(tt.after), 0o600)
		if tt.after == "" {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		lines, err := secondPass(l, path)
		checkError(t, tt.name+": the second pass", err, tt.err)
		if diff := cmp.Diff(tt.lines, lines); diff != "" {
			t.Errorf("%s: yielded lines (-want +got):\n%s", tt.name, diff)
		}
	}
}

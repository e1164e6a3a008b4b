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
			var lines []int
			var got error
			for p, err := range l.Pairs() {
				if got = err; err != nil {
					continue // nothing may follow
				}
				if p.Source == path {
					lines = append(lines, p.Line)
				}
			}
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

func TestChangedMessage(t *testing.T) {
	tests := []struct {
		name string
		err  ChangedError
		want string
	}{
		{"some", ChangedError{"list.csv", 7}, "list.csv changed while it was being read; nothing after line 7 was used"},
		{"none", ChangedError{"list.csv", 0}, "list.csv changed while it was being read; nothing of it was used"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("Error() = %q, want %q", got, tt.want)
			}
		})
	}
}

// Pairs that share a line are still held to their order.
func TestListChangesWithinLine(t *testing.T) {
	path := write(t, "list.json", obj1+obj2)
	l := open(t, Options{}, path)
	if err := os.WriteFile(path, []byte(obj2+obj1), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := l.Sample(2); got != nil {
		t.Errorf("Sample(2) = %v after the pairs changed places, want nothing", got)
	}
}

// With SkipInvalid, a good row that turned bad must not be missed silently.
func TestListChangesWithSkipInvalid(t *testing.T) {
	path := write(t, "list.csv", "user\nDANA\nELI\n")
	l := open(t, Options{SkipInvalid: true}, path)
	if err := os.WriteFile(path, []byte("user\n"+dana+"\nbad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var last error
	for _, err := range l.Pairs() {
		last = err
	}
	if _, ok := errors.AsType[*ChangedError](last); !ok {
		t.Errorf("Pairs() ends with %v, want a *ChangedError", last)
	}
}

func TestListRemoved(t *testing.T) {
	path := write(t, "list.csv", "user\nDANA\n")
	l := open(t, Options{}, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := l.Sample(1); got != nil {
		t.Errorf("Sample(1) = %v, want nothing", got)
	}
	for p, err := range l.Pairs() {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Pairs() yields %v, %v", p, err)
		}
	}
}

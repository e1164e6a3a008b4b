package input

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the outcomes in testdata/lists.txt again")

// Each list in testdata/lists.txt has the outcome that stands below it.
func TestLists(t *testing.T) {
	const golden = "testdata/lists.txt"
	before, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var after strings.Builder
	for line := range strings.Lines(string(before)) {
		if strings.HasPrefix(line, " ") { // an outcome
			continue
		}
		after.WriteString(line)
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		path := line
		if i := strings.IndexAny(line, "\"`"); i >= 0 {
			text, err := strconv.Unquote(line[i:])
			if err != nil {
				t.Fatalf("the text in %s: %v", line, err)
			}
			names := strings.Fields(line[:i])
			path = write(t, names[len(names)-1], text)
		}
		after.WriteString(outcome(path))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(after.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := func(text string) []string { return strings.Split(text, "\n") }
	if diff := cmp.Diff(lines(string(before)), lines(after.String())); diff != "" {
		t.Errorf("outcomes, where -update writes those of now (-want +got):\n%s", diff)
	}
}

// named is the opposite of filled.
var named = strings.NewReplacer(obj1, "OBJ1", obj2, "OBJ2", dana, "DANA", eli, "ELI", strings.ToUpper(oid1), "OID1UP",
	oid1, "OID1", oid2, "OID2", pass1, "PASS1", pass2, "PASS2")

// outcome returns the pairs and the users in a list, or why it is refused.
func outcome(path string) string {
	var b strings.Builder
	say := func(what, format string, args ...any) {
		text := strings.ReplaceAll(fmt.Sprintf(format, args...), path, filepath.Base(path))
		for line := range strings.SplitSeq(named.Replace(text), "\n") {
			fmt.Fprintf(&b, "    %s: %s\n", what, line)
		}
	}
	l, err := Open([]string{path}, Options{})
	users, usersErr := ReadUsers(nil, path)
	_, empty := errors.AsType[*EmptyError](err)
	_, problems := errors.AsType[*Problems](usersErr)
	switch {
	case err != nil && usersErr != nil && err.Error() == usersErr.Error():
		say("refused", "%v", err)
		return b.String()
	case empty:
		say("empty", "%v", err)
	case err != nil:
		say("not pairs", "%v", err)
	default:
		defer l.Close()
		for p, err := range l.Pairs() {
			if err != nil {
				say("changed", "%v", err)
			}
			again := ""
			if p.FirstOf != nil {
				again = fmt.Sprint("repeats line ", p.FirstOf.Line)
			}
			place := strings.TrimPrefix(p.Place(), path+":")
			say("pair", "%s", words(place, p.User, p.UPN, p.Method, again))
		}
	}
	for _, u := range users {
		say("user", "%s", words(u.Line, u.ID, u.UPN))
	}
	switch {
	case problems && len(users) == 0:
		say("not users", "%v", usersErr)
	case usersErr != nil:
		say("no *Problems, or users beside them", "%v", usersErr)
	}
	return b.String()
}

// words joins what is not empty.
func words(values ...any) string { return strings.Join(strings.Fields(fmt.Sprintln(values...)), " ") }

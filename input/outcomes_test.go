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

	"tapsweep/testdata/assert"
)

var update = flag.Bool("update", false, "write the outcomes in testdata/outcomes.txt again")

// Each list and value in testdata/outcomes.txt has the outcome that stands below it.
func TestOutcomes(t *testing.T) {
	const golden = "testdata/outcomes.txt"
	before := assert.Must(os.ReadFile(golden))
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
		i := strings.IndexAny(line, "\"`")
		if i < 0 {
			after.WriteString(outcome(line))
			continue
		}
		text, err := strconv.Unquote(line[i:])
		assert.OK(t, err, line)
		names := strings.Fields(line[:i])
		name := names[len(names)-1]
		if call, ok := functions[name]; ok {
			after.WriteString("    " + named.Replace(call(filled.Replace(text))) + "\n")
		} else {
			after.WriteString(outcome(write(t, name, text)))
		}
	}
	if *update {
		assert.OK(t, os.WriteFile(golden, []byte(after.String()), 0o644))
	}
	lines := func(text string) []string { return strings.Split(text, "\n") }
	assert.Equal(t, "outcomes, where -update writes those of now", lines(after.String()), lines(string(before)))
}

// functions are what the last sections call in place of reading a list.
var functions = map[string]func(string) string{
	"user":   func(s string) string { return verdict(CheckUser(s)) },
	"method": func(s string) string { return verdict(CheckMethod(s)) },
	"shown":  shown,
	"csv": func(s string) string {
		return fmt.Sprintf("%q, read again the same: %v", CSVValue(s), plainValue(CSVValue(s)) == s)
	},
}

func verdict(err error) string {
	if err != nil {
		return "refused: " + err.Error()
	}
	return "accepted"
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
	for _, u := range users.Users {
		say("user", "%s", words(u.Line, u.ID, u.UPN))
	}
	switch {
	case problems && len(users.Users) == 0:
		say("not users", "%v", usersErr)
	case usersErr != nil:
		say("no *Problems, or also users", "%v", usersErr)
	}
	return b.String()
}

// words joins what is not empty.
func words(values ...any) string { return strings.Join(strings.Fields(fmt.Sprintln(values...)), " ") }

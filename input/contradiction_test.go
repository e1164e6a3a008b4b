package input

import (
	"errors"
	"strings"
	"testing"
)

// Rows that give one name of a user with two different other names are refused: it is unknown
// whose pass they mean.
func TestContradictions(t *testing.T) {
	const head = "userId,upn,methodId\n"
	row := func(id, upn, method string) string { return id + "," + upn + "," + method + "\n" }
	for _, skip := range []bool{false, true} {
		path := write(t, "a.csv", head+row(oid1, dana, pass1)+row(oid1, eli, pass1))
		_, err := Open([]string{path}, Options{SkipInvalid: skip})
		if problems, ok := errors.AsType[*Problems](err); !ok || !problems.Cut {
			t.Errorf("Open with SkipInvalid %v = %v, want *Problems that cannot be skipped", skip, err)
		}
	}
	first, second := write(t, "a.csv", head+row(oid1, dana, pass1)), write(t, "b.csv", head+row(oid2, dana, pass1))
	_, err := Open([]string{first, second}, Options{})
	checkError(t, "Open of two lists that contradict each other", err, second+":2: ")
	checkError(t, "Open of two lists that contradict each other", err, "at "+first+":2:")
	l := open(t, Options{}, write(t, "c.csv", head+row(oid1, dana, pass1)+row(oid1, strings.ToUpper(dana), pass2)+
		row(oid1, "", "")+row("", dana, "")+row(oid2, "", pass1)+row(oid2, eli, pass1)))
	check(t, "Stats()", l.Stats(), Stats{Rows: 6, Unique: 5, Duplicates: 1, Users: 3, AnyPass: 2, Named: 2})
}

package input

import (
	"errors"
	"strings"
	"testing"
)

// Rows that give one name of a user with two different other names are refused: it is unknown
// whose pass they mean.
func TestContradictions(t *testing.T) {
	const head, guest = "userId,upn,methodId\n", "guest@contoso.com"
	upper := strings.ToUpper(oid1)
	row := func(id, upn, method string) string { return id + "," + upn + "," + method + "\n" }
	refused := map[string]string{
		row(oid1, dana, pass1) + row(oid2, guest, pass1) + row(upper, eli, pass2): "a.csv:4: the object ID " + upper +
			" is given with " + eli + " here and with another name at a.csv:2: correct the wrong row",
		row(oid1, dana, pass1) + row(oid2, dana, pass2): "a.csv:3: the user principal name " + dana +
			" is given with " + oid2 + " here and with another name at a.csv:2",
		row(oid1, dana, pass1) + row(oid1, eli, pass1): "a.csv:3: the object ID", // the same pair
	}
	for text, want := range refused {
		path := write(t, "a.csv", head+text)
		for _, skip := range []bool{false, true} {
			_, err := Open([]string{path}, Options{SkipInvalid: skip})
			problems, ok := errors.AsType[*Problems](err)
			if !ok || !problems.Cut {
				t.Errorf("Open of %q with SkipInvalid %v = %v, want *Problems that cannot be skipped", text, skip, err)
				continue
			}
			if got := strings.ReplaceAll(err.Error(), path, "a.csv"); !strings.Contains(got, want) {
				t.Errorf("Open of %q = %q, want it to hold %q", text, got, want)
			}
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

package input

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

const (
	samples = "../testdata/lists"
	cases   = "../testdata/cases"

	oid1  = "3f2a1c00-0000-4000-8000-000000000001"
	oid2  = "3f2a1c00-0000-4000-8000-000000000002"
	pass1 = "9f0c7d00-0000-4000-8000-0000000000a1"
	pass2 = "9f0c7d00-0000-4000-8000-0000000000a2"
	dana  = "dana@contoso.com"
	eli   = "eli@fabrikam.com"
)

var (
	obj1 = `{"user":"` + dana + `","method":"` + pass1 + `"}`
	obj2 = `{"user":"` + eli + `","method":"` + pass2 + `"}`
)

// filled puts users, passes and objects into a text, in the place of their names.
var filled = strings.NewReplacer(strings.ToUpper(dana), strings.ToUpper(dana), "OBJ1", obj1, "OBJ2", obj2,
	"DANA", dana, "ELI", eli, "OID1UP", strings.ToUpper(oid1), "OID1", oid1, "OID2", oid2,
	"PASS1", pass1, "PASS2", pass2,
	"GRAPH.TAP", "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "GRAPH.", "#microsoft.graph.")

// write puts a list, filled, into a file of that name and returns its path.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.OK(t, os.WriteFile(path, []byte(filled.Replace(text)), 0o600))
	return path
}

func open(t testing.TB, opts Options, paths ...string) *List {
	t.Helper()
	l, err := Open(paths, opts)
	assert.OK(t, err, "Open")
	t.Cleanup(func() { l.Close() })
	return l
}

// all returns the second pass, in which nothing may go wrong.
func all(t testing.TB, l *List) []Pair {
	t.Helper()
	var pairs []Pair
	for p, err := range l.Pairs() {
		assert.OK(t, err, "Pairs")
		pairs = append(pairs, p)
	}
	return pairs
}

// checkError checks that an error contains a text, which is filled, or that there is none if the
// text is empty.
func checkError(t testing.TB, what string, err error, want string) {
	t.Helper()
	assert.Says(t, what, err, filled.Replace(want))
}

package input

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// ReadUsers returns the errors of all lists together.
func TestReadUsersProblems(t *testing.T) {
	good := write(t, "good.txt", dana)
	bad := write(t, "bad.txt", dana+"\n"+strings.Repeat("nope\n", 30))
	empty := write(t, "empty.csv", "user\n")
	users, err := ReadUsers(nil, good, bad, empty)
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("ReadUsers = %v, want *Problems", err)
	}
	assert.Same(t, "the number of users", len(users.Users), 0)
	assert.Same(t, "Count", problems.Count, 31)
	assert.Same(t, "Cut", problems.Cut, true)

	none := filepath.Join(t.TempDir(), "none")
	for name, want := range map[string]string{"-": "standard input", t.TempDir(): "reading ", none: none} {
		users, err := ReadUsers(nil, good, name)
		checkError(t, "ReadUsers of "+name, err, want)
		assert.Same(t, "the number of users", len(users.Users), 0)
	}
	users, err = ReadUsers(nil)
	checkError(t, "ReadUsers without a list", err, "")
	assert.Same(t, "the number of users without a list", len(users.Users), 0)
}

// A list that says where to look and names nobody is no reason to fail. A list of users who are to
// be protected is.
func TestReadScope(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		warnings   int    // of ReadScope
		err, error string // of ReadScope, of ReadUsers
	}{
		{"a bad row", `{"user":"nope"}`, 0, "neither an object ID", "neither an object ID"},
		{"a header only", "user,method\n", 1, "", "no user in this list"},
		{"an empty array", "[]", 1, "", "no user in this list"},
		{"an empty file", "", 0, ":1: the list is empty", ":1: the list is empty"},
	} {
		path := write(t, "list", tt.text)
		list, err := ReadScope(nil, path)
		assert.Same(t, tt.name+": users", len(list.Users), 0)
		assert.Same(t, tt.name+": warnings", len(list.Warnings), tt.warnings)
		_, strict := ReadUsers(nil, path)
		checkError(t, tt.name+": ReadScope", err, tt.err)
		checkError(t, tt.name+": ReadUsers", strict, tt.error)
	}
}

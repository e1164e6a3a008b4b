package input

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamedUsers(t *testing.T) {
	list := write(t, "l.csv", "user\nELI\nDANA\n")
	l := open(t, Options{Users: []string{dana, oid1}, Format: "csv"}, list)
	check(t, "Stats()", l.Stats(), Stats{Rows: 4, Unique: 3, Duplicates: 1, Users: 3, AnyPass: 3})
	first := all(t, l)[0]
	check(t, "the first user", first.User, dana)
	check(t, "the first place", first.Place(), "--user:1")
	for _, bad := range []string{"", "dana", "me", "a@contoso.com\nb@contoso.com", "#x"} {
		_, err := Open(nil, Options{Users: []string{bad}})
		checkError(t, fmt.Sprintf("Open with user %q", bad), err, "--user: user ")
	}
}

func TestSelf(t *testing.T) {
	l := open(t, Options{Self: true})
	want := []Pair{{Source: SelfSource, Line: 1, User: Me}}
	if diff := cmp.Diff(want, all(t, l)); diff != "" {
		t.Errorf("Pairs() (-want +got):\n%s", diff)
	}
	check(t, "IsSelf() with Options.Self", l.IsSelf(), true)
	check(t, "IsSelf() without Options.Self", open(t, Options{Users: []string{dana}}).IsSelf(), false)
	_, err := Open([]string{"l.csv"}, Options{Self: true})
	checkError(t, "Open with a list and Options.Self", err, "--self takes no list")
}

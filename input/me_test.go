package input

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A list does not say who is signed in, so "me" is no user of it. The message names --self.
func TestMeIsRefused(t *testing.T) {
	for _, text := range []string{
		"user,method\nme," + pass1 + "\n",
		"user\n ME \n",
		"user,upn\n" + oid1 + ",Me\n",
		`[{"user":"me"}]`,
		dana + "\nme\n",
	} {
		path := write(t, "list", text)
		_, err := Open([]string{path}, Options{})
		if err == nil || !strings.Contains(err.Error(), "revoke --self") {
			t.Errorf("Open of %q = %v, want an error that names --self", text, err)
		}
		if _, err := ReadUsers(nil, path); err == nil || !strings.Contains(err.Error(), `user "me" names nobody`) {
			t.Errorf("ReadUsers of %q = %v, want an error: such a protect list protects nobody", text, err)
		}
	}
	l := open(t, Options{SkipInvalid: true}, write(t, "l.csv", "user\nme\nDANA\n"))
	check(t, "Stats()", l.Stats(), Stats{Rows: 2, Unique: 1, Invalid: 1, Users: 1, AnyPass: 1})
}

func TestSelf(t *testing.T) {
	l := open(t, Options{Self: true})
	want := []Pair{{Source: SelfSource, Line: 1, User: Me}}
	if diff := cmp.Diff(want, all(t, l)); diff != "" {
		t.Errorf("Pairs() (-want +got):\n%s", diff)
	}
	if !l.IsSelf() {
		t.Error("IsSelf() = false with Options.Self")
	}
	if open(t, Options{Users: []string{dana}}).IsSelf() {
		t.Error("IsSelf() = true without Options.Self")
	}
	if _, err := Open([]string{"l.csv"}, Options{Self: true}); err == nil {
		t.Error("Open takes a list in addition to Options.Self")
	}
}

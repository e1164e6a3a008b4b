package input

import (
	"strings"
	"testing"
)

func TestMe(t *testing.T) {
	l, err := Open([]string{"-"}, Options{Stdin: strings.NewReader("user,method\nme,\n ME ,9f0c11aa-1111-4222-8333-000000000001\ndana@contoso.com,\nMe,\n")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s := l.Stats(); s.Me != 2 || s.Unique != 3 || s.Duplicates != 1 {
		t.Errorf("stats are %+v, want 2 of me, 3 unique, 1 repeat", s)
	}
	for pair, err := range l.Pairs() {
		if err != nil || pair.User != Me && pair.User != "dana@contoso.com" {
			t.Errorf("line %d: user %q, %v", pair.Line, pair.User, err)
		}
	}
}

// A protect list that names nobody in particular would protect nobody.
func TestMeIsNoName(t *testing.T) {
	if CheckUser(Me) == nil {
		t.Error("CheckUser takes me for the name of a user")
	}
}

package input

import (
	"errors"
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

// Where no user is signed in, the rows of "me" are as good as refused.
func TestRefuseMe(t *testing.T) {
	l, err := Open([]string{"-"}, Options{SkipInvalid: true, Stdin: strings.NewReader("user,method\nme,\nMe,\ndana@contoso.com,\nme,9f0c11aa-1111-4222-8333-000000000001\nnobody,\ndana@contoso.com,\n")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	digest := l.Digest()
	for range 2 { // the second time changes nothing
		l.RefuseMe(errors.New("nobody is signed in"))
	}
	if got, want := l.Stats(), (Stats{Rows: 6, Unique: 1, Duplicates: 1, Invalid: 4, Users: 1, AnyPass: 1}); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
	bad, good, repeats := 0, 0, 0
	for pair, err := range l.Pairs() {
		switch {
		case err != nil:
			t.Error(err)
		case pair.User == Me:
			if pair.Err == nil || pair.FirstOf != nil || !strings.Contains(pair.Err.Error(), "stdin:") || !strings.Contains(pair.Err.Error(), "nobody is signed in") {
				t.Errorf("line %d: %v, first of %v", pair.Line, pair.Err, pair.FirstOf)
			}
			bad++
		case pair.FirstOf != nil:
			repeats++
		case pair.Err == nil:
			good++
		}
	}
	if bad != 3 || good != 1 || repeats != 1 || l.Digest() != digest {
		t.Errorf("%d refused, %d good, %d repeats", bad, good, repeats)
	}
}

// A protect list that names nobody in particular would protect nobody.
func TestMeIsNoName(t *testing.T) {
	if CheckUser(Me) == nil {
		t.Error("CheckUser takes me for the name of a user")
	}
}

package run

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// denies is a Graph that answers 403.
type denies struct{}

func (denies) PostBatch(context.Context, []byte) (batch.Reply, error) {
	return batch.NewReply(200, nil, []byte(`{"responses":[{"id":"1","status":403}]}`))
}

// If Graph names nobody, nothing is sent for a user of whom it is not known whether a protect list means
// that user: the one who is signed in, or one whose sessions are left.
func TestGuardIfGraphNamesNobody(t *testing.T) {
	self, err := input.Open(nil, input.Options{Self: true})
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	byID := openList(t, "userId\n"+otherID+"\n")
	dana := []input.Pair{{User: "dana@contoso.com"}}
	for _, tt := range []struct {
		name         string
		list         *input.List
		sessionsLeft []input.Pair
		protect      string
		code         int
	}{
		{"the signed-in user, and nobody is protected", self, nil, "", status.Done},
		{"the signed-in user", self, nil, "user\ndana@contoso.com\n", status.Usage},
		{"protected by id as on the list", byID, nil, "userId\n" + selfID + "\n", status.Done},
		{"sessions are left under the name", byID, dana, "userId\n" + selfID + "\n", status.Usage},
	} {
		r := asking(nil, io.Discard)
		r.list, r.doneBefore = tt.list, tt.sessionsLeft
		if r.runner, err = batch.NewRunner(denies{}, batch.Options{}); err != nil {
			t.Fatal(err)
		}
		protectList := new(protect.List)
		if tt.protect != "" {
			if protectList, err = protect.Open(nil, writeFile(t, "protect.csv", tt.protect)); err != nil {
				t.Fatal(err)
			}
		}
		err, code := r.findProtectedForRevoke(t.Context(), protectList), status.Done
		if exit, ok := errors.AsType[*status.Error](err); ok {
			code = exit.Code
		}
		if code != tt.code {
			t.Errorf("%s: findProtectedForRevoke = %v, want exit code %d", tt.name, err, tt.code)
		}
	}
}

// Of a list that is revoked in two parts, each user is in one part, with the sessions that are left.
func TestPartsHaveEachItemOnce(t *testing.T) {
	r := asking(nil, nil)
	r.list = openList(t, "user\nlee@contoso.com\n")
	r.doneBefore = []input.Pair{{User: selfID}, {User: "dana@contoso.com"}}
	var users []string
	for _, byName := range []bool{false, true} {
		for item := range r.items(func(user string) bool { return strings.Contains(user, "@") == byName }) {
			users = append(users, item.User)
		}
	}
	if want := []string{selfID, "lee@contoso.com", "dana@contoso.com"}; !slices.Equal(users, want) {
		t.Errorf("the parts have %q, want %q", users, want)
	}
}

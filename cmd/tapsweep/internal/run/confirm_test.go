package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// What a person is asked, and which answers confirm it.
func TestConfirm(t *testing.T) {
	const small = "user,method,userPrincipalName\nDANA@contoso.com," + selfPass + ",\nlee@contoso.com,,\n" +
		"dana@contoso.com," + selfPass + ",\n" + selfID + "," + otherPass + ",erik@contoso.com\n"
	var many strings.Builder
	many.WriteString("user\n")
	for i := range 101 {
		many.WriteString("user" + strings.Repeat("x", i) + "@contoso.com\n")
	}
	tests := []struct {
		name, list, answer string
		ok                 bool
		shown              string
	}{
		{"yes", small, "y\n", true, `About to delete 3 passes of 3 users
  in tenant contoso.com (t) at https://graph.microsoft.com.
Signed in as app a.
  DANA@contoso.com  ` + selfPass + `
  lee@contoso.com  ANY Temporary Access Pass of the user
  erik@contoso.com (` + selfID + `)  ` + otherPass + `
These passes include 1 of your own.
1 row names no pass ID: ANY Temporary Access Pass of the user will be deleted.
Rows left out: 1 named twice.
Continue? [y/N] `},
		{"in full", small, "YES\n", true, ""},
		{"no", small, "n\n", false, ""},
		{"nothing", small, "\n", false, ""},
		{"end of input", small, "", false, ""},
		{"many, yes", many.String(), "y\n", false, "Type 101 to confirm: "},
		{"many, the number", many.String(), "101\n", true, "  and 96 more\n"},
		{"many, another number", many.String(), "100\n", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			r := asking(strings.NewReader(tt.answer), &out)
			r.list = openList(t, tt.list)
			r.tenant.ID, r.tenant.Domain, r.tenant.Root = "t", "contoso.com", "https://graph.microsoft.com"
			r.tenant.Token.Who, r.tenant.Token.Self = "app a", []string{"lee@contoso.com"}
			err := r.confirm(t.Context(), r.question(r.everyItem()))
			assert.That(t, (err == nil) == tt.ok && strings.Contains(out.String(), tt.shown),
				"confirm = %v, want ok %v, shown\n%s, want\n%s", err, tt.ok, out.String(), tt.shown)
		})
	}
}

// A question leaves out protected users and what an earlier run has completed. It says that a protected
// name may protect nobody.
func TestConfirmLeavesOut(t *testing.T) {
	protectList, err := protect.Open(nil, writeFile(t, "glass.csv",
		"userId,upn\n"+selfID+",Dana@contoso.com\n,bg2@contoso.com\n"))
	assert.OK(t, err)
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	r.list = openList(t, "user,upn\ndana@contoso.com,\nlee@contoso.com,\nerik@contoso.com,\nDana@contoso.com,\n"+
		otherID+",bg2@contoso.com\n"+thirdID+",dana@contoso.com\n")
	r.earlier = earlierRun(t, `{"type":"result","user":"erik@contoso.com","anyPass":true,"outcome":"revoked"}`,
		`{"type":"result","user":"`+thirdID+`","anyPass":true,"outcome":"revoked"}`)
	noPairs := func(func(input.Pair, error) bool) {}
	r.protectedUsers, err = protectList.Resolve(t.Context(), nil, noPairs, "the token lacks User.Read.All")
	assert.OK(t, err)
	r.header.Sessions = true
	q := r.question(r.everyItem())
	if q.passes != 1 || q.users != 2 || q.sample[0].User != "lee@contoso.com" {
		t.Errorf("question %+v", q)
	}
	assert.Is(t, "confirm", r.confirm(t.Context(), q), nil)
	assert.Holds(t, "the question", out.String(), "protected names could not be checked (",
		"Rows left out: 2 of protected users, 2 completed by an earlier run, 1 named twice.\n")
}

// The person who asks is one user whose sessions are revoked, by whatever name, and so is a user under two
// names. A user whose passes are gone counts, too. The larger of both numbers has to be typed.
func TestConfirmCountsUsersOfSessions(t *testing.T) {
	r := asking(strings.NewReader("y\n"), io.Discard)
	r.list = openList(t, "user\ndana@contoso.com\n"+selfID+"\nme@contoso.com\nlee@contoso.com\n"+otherID+"\n")
	r.names = map[string]string{"dana@contoso.com": otherID}
	r.header.Sessions, r.tenant.Token.Self = true, []string{selfID, "me@contoso.com"}
	r.doneBefore = []input.Pair{{User: "erik@contoso.com"}}
	if q := r.question(r.everyItem()); q.users != 4 || q.passes != 5 {
		t.Errorf("%d passes and the sessions of %d users, want 5 and those of dana, lee, erik and one's own", q.passes,
			q.users)
	}
	if err := r.confirm(t.Context(), &question{passes: 5, users: typedAbove + 1}); err == nil {
		t.Error("y confirms the sessions of 101 users")
	}
}

// An interrupt at the prompt is an answer: no.
func TestConfirmInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := asking(blocked{}, new(bytes.Buffer)).confirm(ctx, new(question))
	if exit, ok := errors.AsType[*status.Error](err); !ok || exit.Code != status.Stopped {
		t.Errorf("confirm = %v", err)
	}
}

// blocked is a terminal at which nobody types.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

// Names that come from the service cannot repaint what is asked.
func TestConfirmShowsNoRawText(t *testing.T) {
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	item := revoke.Item{Pair: input.Pair{User: "a\x1b[2J\r\nAbout to revoke 0 passes", Method: "m\u202e"},
		Reason: pass.Expired}
	err := r.confirm(t.Context(), r.question(revoke.Each([]revoke.Item{item})))
	assert.That(t, err == nil && !strings.ContainsAny(out.String(), "\x1b\r\u202e"), "%v, %q", err, out.String())
	assert.Holds(t, "the question", out.String(), "  expired\n")
}

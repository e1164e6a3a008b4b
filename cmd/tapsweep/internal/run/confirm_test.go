package run

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
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
	for _, tt := range []struct {
		name, list, answer string
		ok                 bool
		golden             string
	}{
		{"yes", small, "y\n", true, "question"},
		{"in full", small, "YES\n", true, "question"},
		{"no", small, "n\n", false, "question"},
		{"nothing", small, "\n", false, "question"},
		{"end of input", small, "", false, "question"},
		{"many, yes", many.String(), "y\n", false, "question of many"},
		{"many, the number", many.String(), "101\n", true, "question of many"},
		{"many, another number", many.String(), "100\n", false, "question of many"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			r := asking(strings.NewReader(tt.answer), &out)
			r.list = openList(t, tt.list)
			r.tenant.ID, r.tenant.Domain, r.tenant.Root = "t", "contoso.com", "https://graph.microsoft.com"
			r.tenant.Token.Who, r.tenant.Token.Self = "app a", []string{"lee@contoso.com"}
			err := r.confirm(t.Context(), r.question(r.everyItem()))
			assert.That(t, (err == nil) == tt.ok, "confirm = %v, want ok %v", err, tt.ok)
			assert.Golden(t, tt.golden, out.String(), *update)
		})
	}
}

// A question names only what earlier runs completed.
func TestQuestionAboutEarlierRuns(t *testing.T) {
	for _, tt := range []struct {
		passes, users int
		want          string
	}{
		{3, 0, "Earlier runs completed 3 passes, which are only verified.\n"},
		{0, 1, "Earlier runs completed the sessions of 1 user, which are only verified.\n"},
		{1, 2, "Earlier runs completed 1 pass and the sessions of 2 users, which are only verified.\n"},
	} {
		var out bytes.Buffer
		r := asking(nil, &out)
		r.printQuestion(&question{verify: tt.passes, verifyUsers: tt.users})
		assert.Holds(t, "the question", out.String(), "\n"+tt.want)
	}
}

// A question leaves out protected users, and the passes that an earlier run deleted, even if they are still to be
// verified. It says that a protected name may protect nobody.
func TestConfirmLeavesOut(t *testing.T) {
	protectList := assert.Must(protect.Open(nil, writeFile(t, "glass.csv",
		"userId,upn\n"+selfID+",Dana@contoso.com\n,bg2@contoso.com\n,bg3@contoso.com\n")))
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	r.list = openList(t, "user,upn\ndana@contoso.com,\nlee@contoso.com,\nerik@contoso.com,\nDana@contoso.com,\n"+
		otherID+",bg2@contoso.com\n"+thirdID+",bg3@contoso.com\nkim@contoso.com,\numa@contoso.com,\n")
	r.earlier = earlierRun(t, &results.Header{Verify: true},
		`{"type":"result","user":"erik@contoso.com","anyPass":true,"outcome":"revoked","verified":true}`,
		`{"type":"result","user":"`+thirdID+`","anyPass":true,"outcome":"revoked"}`,
		`{"type":"result","user":"kim@contoso.com","anyPass":true,"outcome":"revoked"}`,
		`{"type":"result","action":"revokeSessions","user":"kim@contoso.com","outcome":"revoked"}`,
		`{"type":"result","user":"uma@contoso.com","anyPass":true,"outcome":"revoked"}`)
	noPairs := func(func(input.Pair, error) bool) {}
	r.protectedUsers = assert.Must(protectList.Resolve(t.Context(), nil, noPairs, "the token lacks User.Read.All"))
	r.header.Sessions = true
	q := r.question(r.everyItem())
	assert.Same(t, "passes to delete", q.passes, 1)
	assert.Same(t, "users of sessions: lee, and erik and uma, who have no call yet", q.users, 3)
	assert.Same(t, "the first user", q.sample[0].User, "lee@contoso.com")
	assert.Is(t, "confirm", r.confirm(t.Context(), q), nil)
	assert.Holds(t, "the question", out.String(), "protected names could not be checked (",
		"Rows left out: 3 of protected users, 1 completed by an earlier run, 1 named twice.\n",
		"Earlier runs completed 2 passes and the sessions of 1 user, which are only verified.\n")
}

// A user on two rows is one user whose sessions are revoked, and each name counts. A user whose passes are gone
// counts, too. The larger of both numbers has to be typed.
func TestConfirmCountsUsersOfSessions(t *testing.T) {
	r := asking(strings.NewReader("y\n"), io.Discard)
	r.list = openList(t, "user,method\ndana@contoso.com,"+selfPass+"\nDana@contoso.com,"+otherPass+"\n"+otherID+",\n")
	r.header.Sessions = true
	r.doneBefore = []input.Pair{{User: "erik@contoso.com"}}
	q := r.question(r.everyItem())
	assert.Same(t, "passes to delete", q.passes, 3)
	assert.Same(t, "users of sessions: dana by two names, and erik", q.users, 3)
	assert.Same(t, "users of whom only the sessions are revoked", q.signOuts, 1)
	var out bytes.Buffer
	r.console.Err = &out
	r.printQuestion(q)
	assert.Holds(t, "the question", out.String(), "\n  erik@contoso.com  only the sessions\n")
	assert.OK(t, checkLimit(4, q.passes, q.signOuts))
	assert.Says(t, "the limit", checkLimit(3, q.passes, q.signOuts),
		"3 passes and the sessions of 1 other user are more than the limit of 3: nothing was deleted")
	err := r.confirm(t.Context(), &question{passes: 5, users: typedAbove + 1})
	assert.That(t, err != nil, "y confirms the sessions of 101 users")
}

// A user whose first pass is gone, and whose second pass is deleted, is none of whom only the sessions are revoked.
func TestQuestionShowsOnlySessions(t *testing.T) {
	r := asking(nil, io.Discard)
	r.list = openList(t, "user,method\ndana@contoso.com,"+selfPass+"\nerik@contoso.com,"+selfPass+
		"\ndana@contoso.com,"+otherPass+"\nerik@contoso.com,"+otherPass+"\n")
	r.header.Sessions = true
	const gone = `{"type":"result","outcome":"revoked","user":"`
	r.earlier = earlierRun(t, r.header, gone+`dana@contoso.com","method":"`+selfPass+`"}`,
		gone+`erik@contoso.com","method":"`+selfPass+`"}`, gone+`erik@contoso.com","method":"`+otherPass+`"}`)
	q := r.question(r.everyItem())
	assert.Same(t, "users of whom only the sessions are revoked", q.signOuts, 1)
	assert.Same(t, "those of them that are shown", len(q.signOutSample), 1)
	assert.Same(t, "the first of them", q.signOutSample[0].User, "erik@contoso.com")
}

// A revoke asks nothing if it will delete no pass and revoke no sessions.
func TestRevokeAsksOnlyBeforeItSends(t *testing.T) {
	const row = `{"type":"result","user":"dana@contoso.com","method":"` + selfPass + `","outcome":"revoked"`
	const sessions = `{"type":"result","action":"revokeSessions","user":"dana@contoso.com","outcome":"revoked"}`
	for _, tt := range []struct {
		name string
		next results.Header
		rows []string
		asks bool
	}{
		{"the pass is left", results.Header{}, nil, true},
		{"the pass is gone", results.Header{}, []string{row + `}`}, false},
		{"the pass is gone, but not verified", results.Header{Verify: true}, []string{row + `}`}, false},
		{"the sessions are left", results.Header{Sessions: true}, []string{row + `}`}, true},
		{"the sessions are revoked", results.Header{Sessions: true}, []string{row + `}`, sessions}, false},
		{"the sessions are not verified", results.Header{Sessions: true, Verify: true},
			[]string{row + `,"verified":true}`, sessions}, false},
	} {
		var out bytes.Buffer
		r := asking(strings.NewReader("n\n"), &out)
		r.list, r.header = openList(t, "user,method\ndana@contoso.com,"+selfPass+"\n"), &tt.next
		r.earlier = earlierRun(t, &tt.next, tt.rows...)
		err := r.askToRevoke(t.Context())
		assert.Same(t, tt.name+": the run asks", out.Len() > 0, tt.asks)
		assert.Same(t, tt.name+": the answer no ends the run", err != nil, tt.asks)
	}
}

// If the list cannot be read, nobody knows how much is left, so the run asks.
func TestQuestionOfAnUnreadList(t *testing.T) {
	broken := func(yield func(revoke.Item, error) bool) { yield(revoke.Item{}, io.ErrUnexpectedEOF) }
	q := asking(strings.NewReader(""), io.Discard).question(broken)
	assert.Same(t, "the question is needless", q.needless(), false)
}

// An interrupt at the prompt is an answer: no.
func TestConfirmInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := asking(blocked{}, new(bytes.Buffer)).confirm(ctx, new(question))
	assert.Same(t, "exit code", exitCode(err), status.Stopped)
}

// blocked is a terminal at which nobody types.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

// With --any-pass, the question does not show the pass of the row as the one that will be deleted.
func TestConfirmAnyPass(t *testing.T) {
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	r.list, r.header.AnyPass = openList(t, "user,method\ndana@contoso.com,"+selfPass+"\n"), true
	assert.OK(t, r.confirm(t.Context(), r.question(r.everyItem())), "confirm")
	assert.Holds(t, "the question", out.String(), "  dana@contoso.com  ANY Temporary Access Pass of the user\n")
}

// Names that come from the service cannot repaint what is asked.
func TestConfirmShowsNoRawText(t *testing.T) {
	var out bytes.Buffer
	r := asking(strings.NewReader("y\n"), &out)
	item := revoke.Item{Pair: input.Pair{User: "a\x1b[2J\r\nAbout to revoke 0 passes", Method: "m\u202e"},
		Reason: pass.Expired}
	err := r.confirm(t.Context(), r.question(revoke.Each([]revoke.Item{item})))
	assert.OK(t, err, "confirm")
	assert.Lacks(t, "the question", out.String(), "\x1b", "\r", "\u202e")
	assert.Holds(t, "the question", out.String(), "  expired\n")
}

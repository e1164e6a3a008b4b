package run

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// denies is a Graph that answers 403.
type denies struct{}

func (denies) PostBatch(context.Context, []byte) (batch.Reply, error) {
	return batch.NewReply(200, nil, []byte(`{"responses":[{"id":"1","status":403}]}`))
}

// If Graph names nobody, nothing is sent for a user of whom it is not known whether a protect list means
// that user: the one who is signed in, or one whose sessions are left.
func TestGuardIfGraphNamesNobody(t *testing.T) {
	self := assert.Must(input.Open(nil, input.Options{Self: true}))
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
		r.runner = assert.Must(batch.NewRunner(denies{}, batch.Options{}))
		protectList := new(protect.Named)
		if tt.protect != "" {
			protectList = assert.Must(protect.Open(nil, writeFile(t, "protect.csv", tt.protect)))
		}
		err := r.findProtectedForRevoke(t.Context(), protectList)
		assert.Same(t, tt.name+": exit code", exitCode(err), tt.code)
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
	assert.Equal(t, "users of both parts", users, []string{selfID, "lee@contoso.com", "dana@contoso.com"})
}

// A scan has the object ID of a user, and a list of protected users may have the name.
func TestProtectedByEitherName(t *testing.T) {
	r := asking(nil, io.Discard)
	r.runner = assert.Must(batch.NewRunner(denies{}, batch.Options{}))
	protectList := assert.Must(protect.Open(nil, writeFile(t, "protect.csv", "user\ndana@contoso.com\n")))
	assert.OK(t, r.findProtected(t.Context(), protectList, func(func(input.Pair, error) bool) {}))
	assert.Same(t, "the protected name beside an ID", r.isProtected(otherID, "Dana@contoso.com"), true)
	assert.Same(t, "another name beside an ID", r.isProtected(otherID, "lee@contoso.com"), false)
	assert.Same(t, "an ID without a name", r.isProtected(otherID, ""), false)
}

// The name of a protected user beside the ID of another user protects nobody, neither in the question nor in the run.
func TestQuestionProtectsAsTheScanDoes(t *testing.T) {
	r := asking(nil, io.Discard)
	protectList := assert.Must(protect.Open(nil, writeFile(t, "protect.csv",
		"userId,upn\n"+selfID+",dana@contoso.com\n")))
	r.runner = assert.Must(batch.NewRunner(denies{}, batch.Options{}))
	r.protectedUsers = assert.Must(protectList.Resolve(t.Context(), nil, func(func(input.Pair, error) bool) {}, "no"))
	pair := input.Pair{User: otherID, UPN: "dana@contoso.com", Method: otherPass}
	assert.Same(t, "the scan leaves the pass out", r.isProtected(pair.User, pair.UPN), false)
	q := r.question(revoke.Each([]revoke.Item{{Pair: pair}}))
	assert.Same(t, "passes to delete", q.passes, 1)
	r.makeJob()
	_ = r.job.Run(t.Context(), revoke.Each([]revoke.Item{{Pair: pair}}))
	counts := r.job.Counts()
	assert.Same(t, "rows of protected users", counts.Outcomes[results.Protected], 0)
}

// A run waits for the authority as long as it waits for Graph, and a quiet run does not say so.
func TestConnectWaitsAsTheRunDoes(t *testing.T) {
	signIn := tenant.Options{Say: func(string, ...any) {}}
	signIn.SignIn.TokenFile = filepath.Join(t.TempDir(), "missing")
	signIn.SignIn.Getenv = func(string) string { return "" }
	r := asking(nil, io.Discard)
	r.opts.Batch.StallTimeout, r.opts.Quiet = time.Hour, true
	r.opts.Target = assert.Must(tenant.Resolve(signIn))
	_, err := r.connectToTarget(t.Context())
	assert.Same(t, "exit code without a token", exitCode(err), status.NoAccess)
	assert.Same(t, "how long the target waits", r.opts.Target.Stall, time.Hour)
	assert.Same(t, "the target is quiet", r.opts.Target.Quiet, true)
}

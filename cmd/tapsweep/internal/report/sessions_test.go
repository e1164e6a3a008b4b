package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// sessions writes a row about the sessions of the user of a line.
func (m *logBuilder) sessions(list string, line int, o results.Outcome, change ...func(*results.Row)) {
	about := func(r *results.Row) {
		r.Action, r.Method, r.Reason, r.Verified = results.RevokeSessions, "", "", false
		if o == results.Revoked {
			r.SentAt = m.now.Truncate(time.Second)
		}
	}
	m.row(list, line, o, append([]func(*results.Row){about}, change...)...)
}

// Sessions count apart from passes: the last row of each user, with what a look afterwards showed, and
// the users of a killed run without a row.
func TestSessions(t *testing.T) {
	const list = "l.csv"
	pending := func(r *results.Row) { r.Provisional = true }
	verified := func(r *results.Row) { r.Verified = true }
	m := &logBuilder{now: night}
	m.run(list, 5, "--revoke-sessions", "--verify")
	for line := 1; line <= 5; line++ {
		m.row(list, line, results.Revoked)
	}
	m.sessions(list, 1, results.Revoked, pending)
	m.sessions(list, 1, results.Revoked, verified)
	m.sessions(list, 2, results.Revoked, pending)
	m.sessions(list, 3, results.Denied)
	m.sessions(list, 4, results.NotSent) // and the run was killed before line 5
	m.now = m.now.Add(time.Minute)
	m.run(list, 5, "--revoke-sessions", "--verify")
	m.sessions(list, 4, results.Revoked, pending)
	m.sessions(list, 4, results.Revoked, verified)

	log := m.write(t, "log.jsonl")
	r := reportOf(t, log)
	assert.Same(t, "passes", r.Pairs, 5)
	assert.Same(t, "passes that are gone", r.Done, 5)
	s := r.Sessions
	assert.Same(t, "users", s.Users, 4)
	assert.Same(t, "revoked", s.Counts[results.Revoked], 3)
	assert.Same(t, "denied", s.Counts[results.Denied], 1)
	assert.Same(t, "left", s.Left, 2)
	assert.Same(t, "verified", s.Verified, 2)
	assert.Same(t, "not verified", s.Unverified, 1)
	assert.Same(t, "without a row", s.WithoutRow, 1)
	assert.Same(t, "commands", len(s.Resume), 1)
	assert.Same(t, "verdict", s.Verdict(), "The sessions of 3 of 5 users are revoked, 2 verified, 1 not verified.")

	var text, page bytes.Buffer
	assert.OK(t, r.writeText(&text))
	l := open(t, log)
	assert.OK(t, r.writeHTML(t.Context(), &page, l, htmlPage{}))
	for _, want := range []string{s.Verdict(), "no row"} {
		assert.Holds(t, "the text", text.String(), want)
		assert.That(t, strings.Contains(page.String(), want), "the page has no %q", want)
	}
	assert.Same(t, "rows about sessions in the table", strings.Count(strings.Join(csvOf(t, log), "\n"),
		",revokeSessions,"),
		4)
}

// A run that was killed has rows for two of its four passes, and for the sessions of one user.
func TestSessionsAreNoPasses(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("l.csv", 4, "--revoke-sessions")
	m.row("l.csv", 1, results.Revoked)
	m.sessions("l.csv", 1, results.Revoked)
	m.row("l.csv", 2, results.Revoked)
	r := reportOf(t, m.write(t, "log.jsonl"))
	assert.Same(t, "without a row", r.WithoutRow, 2)
	assert.Same(t, "left", r.Left, 2)
	assert.Same(t, "sessions left", r.Sessions.Left, 1)
	assert.Same(t, "verdict", r.Verdict(), "2 passes are gone. 2 rows of the list have no result. The sessions of "+
		"1 of 2 users are revoked. Users of rows without a result are not included.")
}

// No run can verify the sessions of a user who was deleted, so nothing is left to verify.
func TestSessionsOfADeletedUser(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("l.csv", 1, "--revoke-sessions", "--verify")
	m.row("l.csv", 1, results.Revoked)
	m.sessions("l.csv", 1, results.Revoked, func(r *results.Row) { r.NoProof = true })
	m.end(0, "")
	r := reportOf(t, m.write(t, "log.jsonl"))
	assert.Same(t, "not verified", r.Sessions.Unverified, 0)
	assert.Same(t, "commands", len(r.Sessions.Resume), 0)
}

// The sessions of a guest are not revoked, and nothing is left to do. The report names the guest.
func TestSessionsOfAGuest(t *testing.T) {
	const list, want = "l.csv", "The sessions of 1 of 2 users are revoked; 1 user is a guest: only the home tenant " +
		"can revoke the sessions."
	m := &logBuilder{now: night}
	m.run(list, 2, "--revoke-sessions")
	m.row(list, 1, results.Revoked)
	m.row(list, 2, results.Revoked)
	m.sessions(list, 1, results.Revoked)
	m.sessions(list, 2, results.Guest)
	m.end(0, "")
	r := reportOf(t, m.write(t, "log.jsonl"))
	assert.Same(t, "verdict", r.Sessions.Verdict(), want)
	assert.Same(t, "left", r.Sessions.Left, 0)
	assert.Same(t, "commands", len(r.Sessions.Resume), 0)
	assert.Same(t, "nothing is left", r.Good(), true)
	var text bytes.Buffer
	assert.OK(t, r.writeText(&text))
	assert.Holds(t, "the text", text.String(), "such as user00002@contoso.com")
}

// A verify shows that a user is a guest. A later call that does not know it changes nothing.
func TestVerifiedSessionsOfAGuest(t *testing.T) {
	const list = "l.csv"
	m := &logBuilder{now: night}
	m.run(list, 1, "--revoke-sessions")
	m.row(list, 1, results.Revoked)
	m.sessions(list, 1, results.Revoked)
	m.end(0, "")
	log := m.write(t, "log.jsonl")
	v := &logBuilder{now: m.now.Add(time.Hour)}
	v.begin(1, "verify", log)
	v.row(log, 1, results.Revoked)
	v.sessions(log, 1, results.Guest)
	v.end(0, "")
	again := &logBuilder{now: v.now.Add(time.Hour)}
	again.run(list, 1, "--revoke-sessions")
	again.row(list, 1, results.Absent)
	again.sessions(list, 1, results.Revoked)
	again.end(0, "")
	s := reportOf(t, log, v.write(t, "verify.jsonl"), again.write(t, "again.jsonl")).Sessions
	assert.Same(t, "guests", s.Counts[results.Guest], 1)
	assert.Same(t, "users", s.Users, 1)
	assert.Same(t, "not verified", s.Unverified, 0)
}

package results

import (
	"fmt"
	"os"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// sessionLine is a row about the sessions of Dana, of a scan.
func sessionLine(outcome Outcome, more ...string) string {
	return rowLine(outcome, append(more, ofScan, `"action":"revokeSessions"`)...)
}

// What a log says of the sessions of a user, to a run that resumes it.
func TestResumeSessions(t *testing.T) {
	const with = `{"type":"run","sessions":true}` + "\n"
	const verifies = `{"type":"run","sessions":true,"verify":true}` + "\n"
	gone := rowLine(Revoked, ofScan, methodIs(pass1))
	by, verify := Header{Sessions: true}, Header{Sessions: true, Verify: true}
	for _, tt := range []struct {
		name                           string
		next                           Header
		ignore                         bool // IgnoreFinishedRuns
		lines                          []string
		completed, unconfirmed, wanted bool
	}{
		{"the pass is gone", by, false, []string{with, gone}, false, false, true},
		{"revoked", by, false, []string{with, gone, sessionLine(Revoked)}, true, false, false},
		{"revoked, and another pass is gone", by, false,
			[]string{with, gone, sessionLine(Revoked), rowLine(Revoked, ofScan, methodIs(pass2))}, false, false, true},
		{"not sent", by, false, []string{with, gone, sessionLine(NotSent)}, false, false, true},
		{"the pass is gone, and was to be verified", verify, false,
			[]string{verifies, rowLine(Revoked, ofScan, methodIs(pass1), pending)}, false, false, true},
		{"not verified", verify, false, []string{with, sessionLine(Revoked)}, false, true, true},
		{"verified", verify, false, []string{with, sessionLine(Revoked, `"verified":true`)}, true, false, false},
		{"a deleted user", verify, false, []string{with, sessionLine(Revoked, `"noProof":true`)}, true, false, false},
		{"a guest", verify, false, []string{with, gone, sessionLine(Guest)}, true, false, false},
		{"of a run that is over", by, true, []string{with, gone, endLine},
			false, false, true},
		{"of a run without sessions that is over", by, true,
			[]string{runLine, gone, endLine}, false, false, false},
	} {
		path := write(t, "log.jsonl", "")
		appendTo(t, path, joined(tt.lines))
		log, e, err := Resume(path, &tt.next, ResumeOptions{IgnoreFinishedRuns: tt.ignore})
		assert.OK(t, err, tt.name)
		log.Close()
		assert.Same(t, tt.name+": SessionsCompleted", e.SessionsCompleted(dana), tt.completed)
		assert.Same(t, tt.name+": unconfirmed", e.SessionsUnconfirmed(dana) != nil, tt.unconfirmed)
		assert.Same(t, tt.name+": wanted", len(e.SessionsWanted()) == 1, tt.wanted)
		passes, _ := e.Totals()
		of := passes.Outcomes[Revoked] // rows about sessions are not about passes
		assert.Same(t, tt.name+": passes", e.Len, of-len(e.AllUnconfirmed()))
	}
	// The run is over, else it would be refused.
	e := resumed(t, ResumeOptions{IgnoreFinishedRuns: true}, verifies, gone, sessionLine(Revoked), endLine)
	assert.Same(t, "passes are completed", e.Len, 0)
}

func joined(lines []string) (text string) {
	for _, line := range lines {
		text += line
	}
	return text
}

// A log as a list has users whose passes are gone, and whose sessions no run has revoked.
func TestSessionsLeft(t *testing.T) {
	const of = `"user":"` + eli + `"`
	gone := rowLine(Revoked, methodIs(pass1)) + rowLine(Failed, methodIs(pass2))
	for name, tt := range map[string]struct {
		text         string
		left, missed int
	}{
		"no row about sessions": {gone, 1, 0},
		"another pass came":     {rowLine(Replaced, methodIs(pass1)), 1, 0},
		"not sent":              {gone + sessionLine(NotSent), 1, 1},
		"revoked":               {gone + sessionLine(Revoked), 0, 0},
		"no such user":          {gone + sessionLine(UnknownUser), 0, 0},
		"no pass is gone":       {rowLine(Failed, methodIs(pass1)) + sessionLine(NotSent), 0, 1},
		"protected since":       {gone + rowLine(Protected, methodIs(pass2)) + sessionLine(NotSent), 0, 0},
		"another user":          {gone + sessionLine(Revoked, of), 1, 0},
	} {
		logs := &Lists{Sessions: true}
		l, err := input.Open([]string{write(t, "l", runLine+tt.text+endLine)}, input.Options{Reader: logs.Read})
		assert.OK(t, err, name)
		l.Close()
		assert.Same(t, name+": rows of the list that are invalid", l.Stats().Invalid, 0)
		assert.Same(t, name+": users are left", len(logs.SessionsLeft()), tt.left)
		assert.Same(t, name+": users were missed", logs.SessionsMissed(), tt.missed)
	}
}

// The sessions of a user are left again if a later run has revoked another pass, because somebody may have signed in
// with it.
func TestSessionsLeftOfALaterPass(t *testing.T) {
	gone := rowLine(Revoked, methodIs(pass1))
	first := gone + sessionLine(Revoked)
	verified := `{"type":"run","verify":true,"start":"2026-03-09T02:00:00Z"}` + "\n" +
		rowLine(Revoked, methodIs(pass1), `"verified":true`)
	const runOfVerify = `{"type":"run","command":["verify"],"start":"2026-03-09T02:00:00Z"}` + "\n"
	proof := runOfVerify + rowLine(Revoked, methodIs(pass1), `"verified":true`)
	for name, tt := range map[string]struct {
		older, newer string
		left         int
	}{
		"a proof deletes nothing": {first, proof, 0},
		"another pass, and a proof of the call": {first,
			rowLine(Revoked, methodIs(pass2)) + runOfVerify + sessionLine(Revoked), 1},
		"another pass is gone":                 {first, rowLine(Revoked, methodIs(pass2)), 1},
		"the same pass is verified":            {first, verified, 0},
		"another pass and its sessions":        {first, rowLine(Revoked, methodIs(pass2)) + sessionLine(Revoked), 0},
		"the sessions are revoked later":       {gone, sessionLine(Revoked), 0},
		"no pass was there":                    {first, rowLine(Absent), 0},
		"the user is protected in a later run": {first, rowLine(Protected, methodIs(pass2)), 0},
	} {
		older, newer := write(t, "older.jsonl", timed("1", tt.older)), write(t, "newer.jsonl", timed("2", tt.newer))
		one := write(t, "one.jsonl", timed("12", tt.older, tt.newer))
		for _, paths := range [][]string{{older, newer}, {newer, older}, {one}} {
			logs := &Lists{Sessions: true}
			l, err := input.Open(paths, input.Options{Reader: logs.Read})
			assert.OK(t, err, name)
			l.Close()
			assert.Same(t, fmt.Sprint(name, paths, ": users are left"), len(logs.SessionsLeft()), tt.left)
		}
	}
}

// OnCompleted gets the completed rows of runs that are not over.
func TestEach(t *testing.T) {
	var methods []string
	resumed(t, ResumeOptions{IgnoreFinishedRuns: true,
		OnCompleted: func(r *Row) { methods = append(methods, r.Method) }},
		runLine, rowLine(Found, ofScan, methodIs("old")), endLine, `{"type":"run","lines":3}`+"\n",
		rowLine(Found, ofScan, methodIs("new")), rowLine(Failed, ofScan, methodIs("failed")))
	assert.Equal(t, "Each", methods, []string{"new"})
}

// A log that is resumed and then truncated ends the run: its size when it was resumed counts.
func TestResumedLogIsTruncated(t *testing.T) {
	path := writeLog(t, Revoked)
	log, _, err := Resume(path, &header, ResumeOptions{})
	assert.OK(t, err)
	defer log.Close()
	assert.Is(t, "Check", log.Check(), nil)
	if err := os.Truncate(path, 10); err != nil {
		t.Skip(err)
	}
	if err := log.Check(); !isMoved(err, "was truncated") {
		t.Errorf("Check = %v, want a MovedError", err)
	}
}

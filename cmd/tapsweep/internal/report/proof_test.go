package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// proven returns a log, and the log of tapsweep verify of it.
func proven(t *testing.T) (v1, proof string) {
	t.Helper()
	v1 = logOf(t, 0, 7, "revoke --yes --results v1.jsonl a.csv", later(time.Second), // lines from 2, also of the log
		row(2, results.Revoked, notVerified), row(3, results.Absent), row(4, results.Denied), row(5, results.NotSent),
		row(6, results.Revoked, notVerified, aboutPass(userName(2), pass(6))), // another pass of the first user
		row(7, results.Duplicate, notVerified, aboutPass(userName(2), pass(2))),
		row(8, results.Revoked, notVerified), later(time.Second), stopped(4, "interrupt signal received"))
	listed := func(r *results.Row) {
		r.Status, r.Reason = 200, ""
		r.Verified = r.Outcome == results.Revoked || r.Outcome == results.Absent
	}
	still := func(r *results.Row) { r.Message, r.Reason = "the pass is still listed", "usable" }
	proof = logOf(t, time.Hour, 5, "verify --results proof.jsonl "+v1, later(time.Second),
		row(2, results.Revoked, listed), row(3, results.Absent, listed), row(4, results.Remains, listed),
		row(5, results.Remains, listed), row(8, results.Remains, listed, still), later(time.Second), ends(1))
	return v1, proof
}

// A proof changes what became of a pass only if the pass is still there, and takes no command away.
func TestProofAnnotates(t *testing.T) {
	v1, proof := proven(t)
	alone, both := reportOf(t, v1), reportOf(t, v1, proof)
	assert.Equal(t, "counts alone", alone.Counts, tally{results.Revoked: 3, results.Absent: 1, results.Denied: 1,
		results.NotSent: 1, results.Duplicate: 1})
	assert.Equal(t, "counts with the proof", both.Counts, tally{results.Revoked: 2, results.Remains: 1,
		results.Absent: 1,
		results.Denied: 1, results.NotSent: 1, results.Duplicate: 1})
	assert.Same(t, "verified", both.Verified, 3)
	assert.Same(t, "proof", both.Proof(), "3 of 3 verified")
	assert.Same(t, "pairs", both.Pairs, alone.Pairs)
	assert.Same(t, "without a row", both.WithoutRow, 0)
	assert.Same(t, "title", both.Words().Title, alone.Words().Title)
	assert.Same(t, "pace", both.PairsPerSecond, alone.PairsPerSecond)
	var commands []string
	for _, a := range both.Resume {
		commands = append(commands, fmt.Sprint(a.Left, " ", strings.ReplaceAll(a.Command, a.Log, "LOG")))
	}
	assert.Equal(t, "commands", commands,
		[]string{"2 tapsweep revoke --resume --results LOG a.csv", "1 tapsweep revoke LOG"})
}

// A pass that is still listed is the one that was said to be gone, even if a later row names it too: as a pass in
// place of another one.
func TestProofOfAPassInTwoRows(t *testing.T) {
	dana := userName(2)
	gone := row(2, results.Revoked, notVerified, aboutPass(dana, pass(2)))
	inPlace := row(3, results.Remains, notVerified, aboutPass(dana, pass(3)), instead(pass(2)))
	for name, rows := range map[string][]piece{"first": {gone, inPlace, ends(1)}, "last": {inPlace, gone, ends(1)}} {
		log := logOf(t, 0, 2, "revoke --yes --results v1.jsonl a.csv", rows...)
		proof := logOf(t, time.Hour, 1, "verify --results proof.jsonl "+log,
			row(2, results.Remains, notVerified, aboutPass(dana, pass(2))), ends(1))
		assert.Equal(t, "counts if the row of the gone pass is "+name, reportOf(t, log, proof).Counts,
			tally{results.Remains: 2})
	}
}

// The row that counts keeps its time, answer and reason.
func TestProofKeeps(t *testing.T) {
	rows := make(map[int]*reportedRow)
	v1, proof := proven(t)
	for row, err := range open(t, v1, proof).countedRows(t.Context()) {
		assert.OK(t, err)
		rows[row.Line] = row
	}
	said := func(r *reportedRow) string {
		return fmt.Sprintf("%v %d %s %q %v %q", r.Time.Sub(night), r.Status, r.Outcome, r.Reason, r.Verified, r.Message)
	}
	assert.Same(t, "verified", said(rows[2]), `1s 204 revoked "EnabledByPolicy" true ""`)
	assert.Same(t, "time of the proof", rows[2].VerifiedAt, night.Add(time.Hour+time.Second))
	assert.Same(t, "remains", said(rows[8]), `1s 204 remains "EnabledByPolicy" false "the pass is still listed"`)
	assert.Same(t, "not sent", said(rows[5]), `1s 0 not_sent "" false "interrupt signal received"`)
}

// The log of the proof is the list of what remains.
func TestProofIsList(t *testing.T) {
	v1, proof := proven(t)
	var rows []piece
	for i, user := range []int{4, 5, 8} { // lines 4, 5 and 6 of the proof
		rows = append(rows, row(4+i, results.Revoked, notVerified, aboutPass(userName(user), pass(user))))
	}
	r := reportOf(t, v1, proof, logOf(t, 2*time.Hour, 3, "revoke --yes "+proof, append(rows, ends(0))...))
	assert.Same(t, "left", r.Left, 0)
	assert.Same(t, "revoked", r.Counts[results.Revoked], 5)
	assert.Same(t, "commands", len(r.Resume), 0)
}

// A proof is about users, whatever the name of the log that it verified.
func TestProofOfWhich(t *testing.T) {
	sweep := func(after time.Duration, first int) string {
		var rows []piece
		for u := first; u < first+3; u++ {
			rows = append(rows, scanRow(results.Revoked, userName(u), pass(u), notVerified))
		}
		return logOf(t, after, 0, "sweep --all-users --yes --results last.jsonl --overwrite", append(rows, ends(0))...)
	}
	monday, tuesday := sweep(0, 10), sweep(24*time.Hour, 20)
	for _, named := range []string{tuesday, "moved/last.jsonl", "renamed.jsonl"} {
		var rows []piece
		for i := range 3 {
			rows = append(rows, row(2+i, results.Revoked, aboutPass(userName(20+i), pass(20+i))))
		}
		proof := logOf(t, 48*time.Hour, 3, "verify --results proof.jsonl "+named, append(rows, ends(0))...)
		var verified []string
		for row, err := range open(t, monday, tuesday, proof).countedRows(t.Context()) {
			assert.OK(t, err)
			if row.Verified {
				verified = append(verified, row.User)
			}
		}
		assert.Equal(t, named, verified, []string{userName(20), userName(21), userName(22)})
	}
}

// A run with --verify writes two rows about a pass. If it was killed between them, the pass is gone and not verified.
func TestPending(t *testing.T) {
	parts := []piece{later(time.Second)}
	for line := 2; line < 6; line++ {
		parts = append(parts, row(line, results.Revoked, pending))
	}
	usable := func(r *results.Row) { r.Reason = "usable" }
	parts = append(parts, later(9*time.Second), row(2, results.Revoked),
		row(3, results.Remains, instead("another"), usable))
	const command = "revoke --yes --verify --results v.jsonl a.csv"
	path := logOf(t, 0, 4, command, parts...)
	r := reportOf(t, path)
	assert.Equal(t, "counts", r.Counts, tally{results.Revoked: 3, results.Remains: 1})
	assert.Same(t, "rows", r.Runs[0].Rows, 2)
	assert.Same(t, "pairs a second", r.PairsPerSecond, 0.4)
	assert.Same(t, "proof", r.Proof(), "1 of 3 verified")
	wantNext(t, r, 3, " --verify ")
	var states []string
	for _, line := range csvOf(t, path) {
		f := strings.Split(line, ",")
		states = append(states, strings.Join([]string{f[1], f[3], f[4], f[13], f[16]}, " "))
	}
	assert.Equal(t, "CSV", states, []string{"line method outcome verified pending", "2 " + pass(2) + " revoked true ",
		"3 " + pass(3) + " revoked  ", "4 " + pass(4) + " revoked  true", "5 " + pass(5) + " revoked  true",
		"3 another remains  "})

	// A run that resumes it verifies, and its rows have no answer.
	r = reportOf(t, logOf(t, 0, 4, command, append(parts,
		next(4, "revoke --yes --verify --results v.jsonl --resume a.csv"), row(4, results.Revoked, withoutRequest),
		row(5, results.Revoked, withoutRequest, notVerified, message("not verified: timeout")), ends(1))...))
	assert.Same(t, "verdict", r.Verdict(), "3 of 4 passes are gone, 1 is left. 1 pass is not verified.")
	assert.Same(t, "verified", r.Verified, 2)
	assert.Same(t, "not verified", r.Unverified, 1)
}

// A user of a sweep counts once, even if another pass replaced the first, or two passes are verified.
func TestPendingOtherPass(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 0, "sweep --all-users --yes --verify",
		scanRow(results.Revoked, "id-1", "m1", pending), scanRow(results.Remains, "id-1", "m1", instead("m2")),
		scanRow(results.Revoked, "id-2", "m3", pending), scanRow(results.Revoked, "id-2", "m4", pending),
		scanRow(results.Revoked, "id-2", "m3"), scanRow(results.Revoked, "id-2", "m4"), ends(1)))
	assert.Equal(t, "counts", r.Counts, tally{results.Remains: 1, results.Revoked: 2})
	assert.Same(t, "not verified", r.Unverified, 0)
}

// A proof by itself has words of its own.
func TestProofAlone(t *testing.T) {
	_, proof := proven(t)
	r := reportOf(t, proof)
	assert.Same(t, "verdict", r.Verdict(), "3 of 5 users still have a pass, 2 have none.")
	assert.Same(t, "exit", r.Runs[0].ExitText(), "1, something is left")
	wantNext(t, r, 3, "tapsweep revoke ")
}

// A user who could not be checked has a command that checks again, unless no run can.
func TestProofFails(t *testing.T) {
	v1 := logOf(t, 0, 1, "revoke --yes --results v1.jsonl a.csv", row(2, results.Revoked, notVerified), ends(0))
	for outcome, commands := range map[results.Outcome]int{results.Failed: 1, results.UnknownUser: 0} {
		r := reportOf(t, v1, logOf(t, time.Hour, 1, "verify --results proof.jsonl "+v1, row(2, outcome), ends(1)))
		assert.Same(t, string(outcome)+": revoked", r.Counts[results.Revoked], 1)
		assert.Same(t, string(outcome)+": not verified", r.Unverified, 1)
		assert.Same(t, string(outcome)+": commands", len(r.Resume), commands)
	}
}

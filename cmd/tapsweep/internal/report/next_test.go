package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// wantNext fails the test unless the report has exactly one next command, with this Left, and it contains a text.
func wantNext(t testing.TB, r *Report, left int, command string) {
	t.Helper()
	assert.Same(t, "next commands", len(r.Resume), 1)
	assert.Same(t, "passes for the next command", r.Resume[0].Left, left)
	assert.Holds(t, "the next command", r.Resume[0].Command, command)
}

// What remains is mostly another pass than the list names, so the log is the list that names it.
func TestRemainsIsRevokedByTheLog(t *testing.T) {
	parts := []piece{row(2, results.Revoked), row(3, results.Revoked, pending),
		row(3, results.Remains, instead("another"))}
	const command = "revoke --yes --verify --results v.jsonl a.csv"
	path := logOf(t, 0, 2, command, append(parts, ends(1))...)
	const note = "may also delete passes that no list names"
	r := reportOf(t, path)
	wantNext(t, r, 1, "tapsweep revoke --verify "+path)
	assert.Same(t, "the note", r.Resume[0].Note, note)
	proof := logOf(t, time.Hour, 1, "verify "+path, row(1, results.Remains), ends(1))
	assert.Same(t, "the note about a log of verify", reportOf(t, proof).Resume[0].Note, note)
	listed := logOf(t, 0, 1, command, row(2, results.Remains), ends(1))
	assert.Same(t, "the note if the pass of the list remains", reportOf(t, listed).Resume[0].Note, "")
	// A log without its end is no list: the run is resumed first.
	wantNext(t, reportOf(t, logOf(t, 0, 2, command, parts...)), 1, " --resume ")
}

// A pass that was kept because its user is protected is not left, and no command is for it.
func TestProtectedIsNotLeft(t *testing.T) {
	path := logOf(t, 0, 3, "revoke --yes --protect glass.txt a.csv",
		row(2, results.Revoked), row(3, results.Protected), row(4, results.Protected), ends(0))
	r := reportOf(t, path)
	assert.Same(t, "verdict", r.Verdict(), "The pass is gone. 2 rows of protected users are left out.")
	assert.Same(t, "done", r.Done, 1)
	assert.Same(t, "left", r.Left, 0)
	assert.Same(t, "failures", len(r.Failures), 0)
	assert.Same(t, "next commands", len(r.Resume), 0)
	assert.Same(t, "rows of the page that are left", strings.Count(pageOf(t, htmlPage{}, path), `class="left"`), 0)
}

// A run that could not verify all has a command that verifies the rest.
func TestNotVerified(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 2, "revoke --yes --verify --results v.jsonl a.csv",
		row(2, results.Revoked, pending), row(3, results.Revoked, pending), row(2, results.Revoked),
		row(3, results.Revoked, notVerified, message("not verified: 403")), ends(1)))
	assert.Same(t, "verdict", r.Verdict(), "All 2 passes are gone. 1 pass is not verified.")
	assert.Same(t, "exit", r.Runs[0].ExitText(), "1, something is left or not verified")
	wantNext(t, r, 1, " --verify ")
}

// A run with --verify that resumes one without only verifies: what was deleted keeps its time, and what was not
// verified has a command, however the run ended.
func TestVerifiedLater(t *testing.T) {
	const resume = "revoke --yes --resume --verify --results z.jsonl a.csv"
	del := requestID("del")
	parts := []piece{row(2, results.Revoked, notVerified, del), row(3, results.Revoked, notVerified, del),
		row(4, results.Revoked, notVerified, del), row(5, results.Revoked, notVerified, del), ends(0),
		next(4, resume), row(2, results.Revoked, del)}
	killed := len(parts)
	parts = append(parts, row(3, results.Revoked, notVerified, del, message("not verified: not sent")),
		stopped(4, "deadline"))
	ended := len(parts)
	parts = append(parts, next(4, resume), row(3, results.Revoked, del), row(4, results.Revoked, del),
		row(5, results.Revoked, del), ends(0))
	for n, verified := range map[int]int{killed: 1, ended: 1, len(parts): 4} {
		l := open(t, logOf(t, 0, 4, "revoke --yes --results z.jsonl a.csv", parts[:n]...))
		r, err := makeReport(t.Context(), l, func(row *reportedRow) error {
			assert.Same(t, "time of the delete", row.Time, night)
			if row.Verified {
				assert.Same(t, "verified after the delete", row.VerifiedAt.Before(night.Add(time.Hour)), false)
				assert.Same(t, "message", row.Message, "")
			}
			return nil
		})
		assert.OK(t, err)
		assert.Same(t, "pairs", r.Pairs, 4)
		assert.Same(t, "verified", r.Verified, verified)
		assert.Same(t, "not verified", r.Unverified, 4-verified)
		if verified < 4 {
			wantNext(t, r, 3, " --verify ")
		} else {
			assert.Same(t, "next commands", len(r.Resume), 0)
		}
	}
}

// Each cause of what is left is in the step of the command that tries it again.
func TestSteps(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 7, "revoke --yes --verify --tenant contoso.com --results s.jsonl a.csv",
		row(2, results.Denied), row(3, results.Replaced), row(4, results.UnknownUser), row(5, results.Remains),
		row(6, results.Revoked, notVerified), row(7, results.NotSent), stopped(4, "deadline")))
	var got []string
	for _, s := range r.Steps() {
		var causes strings.Builder
		for _, c := range s.Causes {
			fmt.Fprintf(&causes, "%d %s, ", c.Count, c.Outcome)
		}
		command, _, _ := strings.Cut(s.Command, "/")
		got = append(got, s.Heading(), causes.String(), command, s.Note)
	}
	assert.Equal(t, "steps", got, []string{
		"3 passes, 1 row: resume the run", "1 denied, 1 not_sent, 1 no row, 1 not verified, ",
		"tapsweep revoke --resume --results ", "",
		"1 pass is left: revoke it", "1 remains, ", "tapsweep revoke --verify ", "",
		"1 pass replaced by another one: revoke that one", "1 replaced, ",
		"tapsweep revoke --verify --any-pass ", "this deletes any pass that the users have now",
		"1 user that --resume does not retry", "1 unknown_user, ", "", "fix the cause, and create a new list",
	})
	assert.Holds(t, "the notes", strings.Join(r.Notes(), "\n"), "was written with --tenant contoso.com, which")
	assert.Same(t, "tenant", r.facts()[0][1], "0f6a1c52-3b7d-4e88-9a41-d5c27be0f913")
}

// A resumed run does not try these again, but a run with the log as its list does, with the flags of the run. It needs
// the end of the log.
func TestStepsWithTheLogAsList(t *testing.T) {
	const command = "revoke --yes --protect p.csv --revoke-sessions a.csv"
	for outcome, want := range map[results.Outcome]string{
		results.Replaced: "tapsweep revoke --protect p.csv --revoke-sessions --any-pass LOG" +
			"   # this deletes any pass that the users have now",
		results.Rejected: "tapsweep revoke --protect p.csv --revoke-sessions LOG",
	} {
		log := logOf(t, 0, 1, command, row(2, outcome), ends(1))
		steps := reportOf(t, log).Steps()
		assert.Same(t, "steps", len(steps), 1)
		assert.Same(t, "the step", strings.ReplaceAll(steps[0].String(), log, "LOG"), want)
		wantNext(t, reportOf(t, logOf(t, 0, 1, command, row(2, outcome))), 1, " --resume ")
	}
}

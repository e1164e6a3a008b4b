package revoke

import (
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// A subject is what rows are about: a pair, or the sessions of a user.
type subject struct {
	pair   input.Pair     // for sessions, the user's last pair
	action results.Action // results.RevokeSessions, or empty for a pair
	upn    string
	last   *results.Row // the row that a later LIST or GET completes

	method string      // the ID of the pass to delete, empty until it is known
	reason pass.Reason // why the pass can or cannot be used
	rest   []pass.Pass // further passes of the user, if the pair names no pass
	tries  int         // see maxDeletesPerPass and maxReplacements

	announced    bool // a row announces the delete of the pass
	uncertain    bool // a DELETE without an answer may have deleted the pass
	lost         bool // the last attempt of the DELETE has no clear answer
	maybeDeleted bool // an earlier run may have deleted the pass without a row about it
	intended     bool // an earlier run intended to delete the pass, see results.Row.Intended

	since time.Time     // when the verification began, zero if it has not begun
	pause time.Duration // the wait before the next reading of the verification
}

// A listing is the answer to a LIST of the passes of a user.
type listing struct {
	res  batch.Result
	held []pass.Pass
	err  error // the LIST failed, or cannot be read
	same bool  // the user holds the pass of the pair
}

// anyPass reports whether the pair means any pass of the user.
func (j *Job) anyPass(s *subject) bool { return s.pair.Method == "" || j.opts.AnyPass }

func (j *Job) delete(s *subject, delay time.Duration) {
	j.send(batch.Request{
		Method: "DELETE",
		URL:    pass.PassURL(s.pair.User, s.method),
		Quota:  pass.WriteQuota,
		Key:    strings.ToLower(s.pair.User),
		Delay:  delay,
	}, func(res batch.Result) { j.afterDelete(s, res) })
}

func (j *Job) list(s *subject, delay time.Duration, then func(*subject, listing)) {
	req := batch.Request{Method: "GET", URL: pass.PassesURL(s.pair.User), Quota: pass.ReadQuota, Delay: delay}
	j.send(req, func(res batch.Result) {
		held, err := pass.Read(res)
		then(s, listing{res, held, err, pass.Find(held, s.method) != nil})
	})
}

// goneRow sets the outcome for a pass that no longer exists: revoked if this run or an earlier run may have deleted it,
// otherwise absent.
func (s *subject) goneRow(row results.Row) results.Row {
	row.Outcome = results.Absent
	switch {
	case s.uncertain && s.intended:
		row.Outcome, row.Message = results.Revoked, "gone: an earlier run was deleting it when it ended"
	case s.uncertain:
		row.Outcome = results.Revoked
		if row.Message != "" {
			row.Message = answer.Join("gone, although the last attempt failed", row.Message)
		}
	case s.maybeDeleted:
		row.Message = "may have been deleted by an earlier run"
	}
	return row
}

// markReplaced completes the row of a pair whose user holds another pass than the pair names.
func markReplaced(row *results.Row, held []pass.Pass) {
	row.Outcome = results.Replaced
	row.Message = "the user holds another pass: " + safetext.Printable(held[0].ID)
}

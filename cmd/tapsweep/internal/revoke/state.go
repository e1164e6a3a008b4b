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

// pairState is what a Job knows of a pair. It is the tag of the pair's requests.
type pairState struct {
	pair   input.Pair
	key    string  // the user, by one name
	method string  // id of the pass to delete, once it is known
	then   handler // of the answer to the request that was sent
	stage  stage
	upn    string
	reason pass.Reason

	journaled results.Outcome // of the first row of it that was pending
	before    results.Outcome // what an earlier run has done, if this one only verifies it
	last      *results.Row    // of the DELETE that a LIST should explain or verify

	counted []pass.Pass // its passes that count for MaxDeletes
	rest    []pass.Pass // further passes of the user, if the pair names none

	stale    int  // LISTs that showed a pass after a DELETE that did not find it
	attempts int  // of the last DELETE
	revoked  bool // a pass was deleted, for a pair that names none

	dealtWith    bool // its outcome counts for the sessions of the user
	announced    bool // a row says that method is about to be deleted
	uncertain    bool // a DELETE without an answer may have been carried out
	intended     bool // an earlier run was deleting the pass when it ended
	maybeDeleted bool // an earlier run may have deleted it without a row

	verifySince time.Time
	pause       time.Duration // before the next LIST that verifies
}

// A handler takes the answer to a pair's request. It returns the next request, or writes the pair's
// row and returns nil.
type handler func(*Job, *pairState, batch.Result) *batch.Request

// A stage says how far a pair is. The zero stage is a row that came about without a pair.
type stage int

const (
	stageNone      stage = iota
	stageBegun           // no request was sent
	stageOpen            // requests are sent
	stageVerifying       // the work is done, and is being verified
)

// A listing is what a LIST shows of a pair's user.
type listing int

const (
	unreadable listing = iota // Graph refused the LIST, or its answer cannot be read
	noPass                    // the user holds no pass
	samePass                  // the user holds the pass of the pair
	otherPass                 // the user holds other passes only
)

// key returns the same key for all known names of a user.
func (j *Job) key(user string) string {
	for _, name := range j.opts.Self {
		if strings.EqualFold(name, user) {
			return input.Me
		}
	}
	return strings.ToLower(user)
}

// anyPass reports whether the pair means whatever pass the user holds.
func (j *Job) anyPass(s *pairState) bool { return s.pair.Method == "" || j.opts.AnyPass }

func (s *pairState) delete() batch.Request {
	s.then = (*Job).afterDelete
	return batch.Request{
		Method: "DELETE",
		URL:    pass.PassURL(s.pair.User, s.method),
		Quota:  pass.WriteQuota,
		Key:    s.key,
		Tag:    s,
	}
}

func (s *pairState) list(then handler) batch.Request {
	s.then = then
	return batch.Request{Method: "GET", URL: pass.PassesURL(s.pair.User), Quota: pass.ReadQuota, Tag: s}
}

// readList reads the answer to a LIST. The error is nil unless the answer is unreadable.
func (s *pairState) readList(res batch.Result) ([]pass.Pass, listing, error) {
	held, err := pass.Read(res)
	switch {
	case err != nil:
		return nil, unreadable, err
	case res.Err != nil:
		return nil, unreadable, res.Err
	case !pass.Listed(res):
		return nil, unreadable, res.Response.StatusError()
	case len(held) == 0:
		return nil, noPass, nil
	case pass.Find(held, s.method) != nil:
		return held, samePass, nil
	}
	return held, otherPass, nil
}

// listRow returns the row of a LIST; err is the error of readList.
func listRow(res batch.Result, err error) results.Row {
	row := answer.ReadRow(res)
	if err != nil && pass.Listed(res) {
		row.Message = err.Error()
	}
	return row
}

// goneRow returns row for a pass that no longer exists. This run or an earlier one may have deleted
// it.
func (s *pairState) goneRow(row results.Row) results.Row {
	row.Outcome = results.Absent
	switch {
	case s.uncertain && s.intended:
		row.Outcome, row.Message = results.Revoked, "gone: an earlier run was deleting it when it ended"
	case s.uncertain:
		row.Outcome = results.Revoked
	case s.maybeDeleted:
		row.Message = "may have been deleted by an earlier run"
	}
	return row
}

// markReplaced fills in the row of a pair whose user holds another pass than it names.
func markReplaced(row *results.Row, held []pass.Pass) {
	row.Outcome = results.Replaced
	row.Message = "the user holds another pass: " + safetext.Printable(held[0].ID)
}

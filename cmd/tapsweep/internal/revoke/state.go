package revoke

import (
	"strings"

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
	upn    string
	reason pass.Reason

	last  *results.Row // of the DELETE that a LIST should explain, or of the pair that it should verify
	rest  []pass.Pass  // further passes of the user, if the pair names none
	tries int          // see maxTries

	announced    bool // a row says that method is about to be deleted
	uncertain    bool // a DELETE without an answer may have been carried out
	lost         bool // the last attempt of it has no clear answer
	maybeDeleted bool // an earlier run may have deleted it without a row
	intended     bool // an earlier run was deleting the pass when it ended

	proof proof // that the pass is gone
}

// A handler takes the answer to a pair's request. It returns the next request, or writes the pair's
// row and returns nil.
type handler func(*Job, *pairState, batch.Result) *batch.Request

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
	if input.IsAmong(user, j.opts.Self) {
		return input.Me
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
		if row.Message != "" {
			row.Message = answer.Join("gone, although the last attempt failed", row.Message)
		}
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

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

// pairState is the state of a pair. It is the Tag of the pair's requests.
type pairState struct {
	pair   input.Pair
	key    string  // the same for all names of the user, see Job.key
	method string  // the ID of the pass to delete, empty until it is known
	then   handler // handles the answer to the request that was sent
	upn    string
	reason pass.Reason

	last  *results.Row // the row that a later LIST completes: that of the DELETE, or the unverified row of the pair
	rest  []pass.Pass  // further passes of the user, if the pair names no pass
	tries int          // see maxDeletesPerPass and maxReplacements

	announced    bool // a row announces the delete of the pass
	uncertain    bool // a DELETE without an answer may have deleted the pass
	lost         bool // the last attempt of the DELETE has no clear answer
	maybeDeleted bool // an earlier run may have deleted the pass without a row about it
	intended     bool // an earlier run intended to delete the pass, see results.Row.Intended

	verification verification // that the pass is gone
}

// A handler handles the answer to a request of a pair. It returns the next request, or writes the row of the pair and
// returns nil.
type handler func(*Job, *pairState, batch.Result) *batch.Request

// A listing is what a LIST shows about the user of a pair.
type listing int

const (
	unreadable listing = iota // Graph refused the LIST, or its answer cannot be read
	noPass                    // the user holds no pass
	samePass                  // the user holds the pass of the pair
	otherPass                 // the user holds only other passes
)

// key returns the same key for all known names of a user.
func (j *Job) key(user string) string {
	if input.IsAmong(user, j.opts.Self) {
		return input.Me
	}
	return strings.ToLower(user)
}

// anyPass reports whether the pair means any pass of the user.
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

// readList reads the answer to a LIST. It returns an error only if the listing is unreadable.
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
	row := answer.RowOfRead(res)
	if err != nil && pass.Listed(res) {
		row.Message = err.Error()
	}
	return row
}

// goneRow completes row for a pass that no longer exists, because this run or an earlier run may have deleted it.
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

// markReplaced completes the row of a pair whose user holds another pass than the pair names.
func markReplaced(row *results.Row, held []pass.Pass) {
	row.Outcome = results.Replaced
	row.Message = "the user holds another pass: " + safetext.Printable(held[0].ID)
}

package revoke

import (
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// work is a pair under way; it travels as the request's tag.
type work struct {
	pair      input.Pair
	key       string // the user, by one name
	method    string // the pass to delete, once it is known
	step      step
	upn       string
	listed    bool            // the pair is of a list
	begun     bool            // it counts as open,
	waiting   bool            // or as being verified
	pended    results.Outcome // of the first row of it that is pending
	before    results.Outcome // what a run before has done, and this one only looks at
	reason    passes.Reason
	counted   []string      // ids of its passes that count for MaxDeletes
	rest      []passes.Pass // further passes of a user whose pair names none
	looks     int           // LISTs that showed a pass that a DELETE did not find
	deletes   int           // sends of the last DELETE
	revoked   bool          // a pass was deleted, for a pair that names none
	announced bool          // a row says that method is about to be deleted
	uncertain bool          // a DELETE may have been carried out without an answer
	intended  bool          // an earlier run was deleting the pass when it ended
	perhaps   bool          // an earlier run may have deleted it without a row
	last      *results.Row  // of the DELETE that a LIST is to explain or to verify
	since     time.Time     // when verifying began
	pause     time.Duration
}

// step is what the request under way is for.
type step int

const (
	deleting   step = iota
	looking         // LIST: which pass does the user hold?
	explaining      // LIST: why did the DELETE find nothing, or what did it do?
	checking        // LIST: was it deleted by an attempt without an answer?
	verifying       // LIST: does the user hold none now?
)

// key is the same for all names that are known of a user.
func (j *Job) key(user string) string {
	for _, name := range j.opts.Self {
		if strings.EqualFold(name, user) {
			return input.Me
		}
	}
	return strings.ToLower(user)
}

func (w *work) delete() batch.Request {
	w.step = deleting
	return batch.Request{
		Method: "DELETE",
		URL:    passes.PassURL(w.pair.User, w.method),
		Quota:  passes.WriteQuota,
		Key:    w.key,
		Tag:    w,
	}
}

func (w *work) list(why step) batch.Request {
	w.step = why
	return batch.Request{Method: "GET", URL: passes.PassesURL(w.pair.User), Quota: passes.ReadQuota, Tag: w}
}

// Owns tells whether a result belongs to a pair of a Job.
func Owns(res batch.Result) bool {
	_, ok := res.Request.Tag.(*work)
	return ok
}

// Settle takes in the answer to a request of a pair. It either writes the row
// or returns the pair's next request.
func (j *Job) Settle(res batch.Result) []batch.Request {
	w := res.Request.Tag.(*work)
	j.counts.Sent(res)
	var next *batch.Request
	switch w.step {
	case deleting:
		next = j.deleted(w, res)
	case looking:
		next = j.looked(w, res)
	case explaining:
		next = j.explained(w, res)
	case checking:
		next = j.checked(w, res)
	case verifying:
		next = j.verified(w, res)
	}
	if next == nil {
		return nil
	}
	return []batch.Request{*next}
}

func (j *Job) deleted(w *work, res batch.Result) *batch.Request {
	row := answer.ToRow(res)
	w.deletes, w.uncertain = res.Attempts, w.uncertain || res.Uncertain
	switch {
	case res.Err == nil && res.Response.Status == 204:
		row.Outcome = results.Revoked
		w.revoked = true
		if len(w.rest) > 0 {
			return new(j.next(w, row, w.rest))
		}
	case res.Err == nil && (res.Response.Status < 300 || res.Response.Status == 404):
		// Of the successes, only 204 says that the pass is deleted. A 202, for example, does not.
		// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
		w.uncertain = w.uncertain || row.Status < 300
		w.last = &row
		return new(w.list(explaining))
	case res.Uncertain && !res.Stopped():
		w.last = &row
		return new(w.list(checking))
	}
	return j.done(w, row)
}

// take makes the first of the passes the one to delete, and keeps the others. No list
// names it, so it goes on record before: a run that is killed leaves no other trace of
// which it was.
func (j *Job) take(w *work, held []passes.Pass) batch.Request {
	w.method, w.reason, w.rest, w.announced = held[0].ID, "", held[1:], true
	w.uncertain, w.intended, w.perhaps = false, false, false
	j.journal(w, results.Row{Outcome: results.Found, Provisional: true})
	return w.delete()
}

// next continues the pair with further passes. If a row announced the delete of the previous
// pass, row becomes its last row, which counts for no pair.
func (j *Job) next(w *work, row results.Row, held []passes.Pass) batch.Request {
	j.leave(w, row)
	return j.take(w, held)
}

// nextIfRoom is next for passes that a look has found. If they are more than MaxDeletes
// allows, it writes the pair's row.
func (j *Job) nextIfRoom(w *work, row results.Row, held []passes.Pass) *batch.Request {
	if j.room(w, held...) {
		return new(j.next(w, row, held))
	}
	j.leave(w, row)
	j.row(w, j.noRoomFor(w, held))
	return nil
}

// leave ends the work on one pass while its pair continues. If a row announced the delete of
// the pass, row becomes its last row, which counts for no pair.
func (j *Job) leave(w *work, row results.Row) {
	w.revoked = w.revoked || row.Outcome == results.Revoked
	if w.announced {
		row.Beside, row.Provisional, row.SupersedesPending = true, false, ""
		j.put(w, row)
	}
}

// gone fills in the row of a pass that no longer exists. This run or an earlier one may have
// deleted it.
func (w *work) gone(row *results.Row) {
	switch {
	case w.uncertain:
		row.Outcome = results.Revoked
		if w.intended {
			row.Message = "gone: an earlier run was deleting it when it ended"
		}
	case w.perhaps:
		row.Outcome, row.Message = results.Absent, "may have been deleted by an earlier run"
	default:
		row.Outcome = results.Absent
	}
}

// any tells whether whatever pass the user holds is meant.
func (j *Job) any(w *work) bool { return w.pair.Method == "" || j.opts.AnyPass }

// looked handles the first LIST of a pair that names no pass, and all there is
// of a dry run.
func (j *Job) looked(w *work, res batch.Result) *batch.Request {
	row := answer.ReadRow(res)
	held, err := passes.Read(res)
	switch {
	case err != nil || !passes.Listed(res):
		if err != nil {
			row.Message = err.Error()
		}
		if w.uncertain && row.Outcome != results.UnknownUser {
			row.Outcome = results.Unknown // an earlier run may have deleted it, and nobody looked
		}
	case len(held) > 0 && w.intended && !j.any(w):
		// An earlier run was deleting a pass that the pair does not name. This one may not.
		row.Outcome = results.Replaced
		row.Message = "the user holds another pass: " + safetext.Printable(held[0].ID)
	case j.any(w) && (w.method == "" || !j.opts.DryRun) && !j.room(w, held...):
		if w.uncertain && passes.Find(held, w.method) == nil {
			gone := row
			w.gone(&gone)
			j.leave(w, gone)
		}
		row = j.noRoomFor(w, held)
	case j.opts.DryRun:
		row.Outcome = j.dryRun(w, held)
	case len(held) == 0:
		w.gone(&row)
		return j.done(w, row)
	case passes.Find(held, w.method) != nil:
		return new(j.take(w, held))
	default:
		// According to the documentation a user has at most one pass. If there are more,
		// the row that counts names the last one.
		gone := row
		w.gone(&gone)
		return new(j.next(w, gone, held))
	}
	j.row(w, row)
	return nil
}

func (j *Job) dryRun(w *work, held []passes.Pass) results.Outcome {
	switch {
	case len(held) == 0:
		return results.Absent
	case passes.Find(held, w.method) != nil:
		return results.Planned
	case j.any(w):
		w.method = held[0].ID
		return results.Planned
	}
	return results.Replaced
}

// explained handles the LIST after a DELETE that found nothing, or that was answered with a
// success other than 204.
func (j *Job) explained(w *work, res batch.Result) *batch.Request {
	row := answer.ReadRow(res)
	row.Attempts = w.deletes
	reply := "Graph found no such pass (404)"
	if w.last.Status != 404 {
		reply = fmt.Sprintf("Graph answered %d in place of 204", w.last.Status)
	}
	held, err := passes.Read(res)
	switch {
	case err != nil || !passes.Listed(res):
		if err != nil {
			row.Message = err.Error()
		}
		if row.Outcome != results.UnknownUser {
			row.Message = answer.Join(reply+", and could not tell what the user holds now", row.Message)
			if w.last.Status != 404 {
				row.Outcome = results.Unknown // after a 404 the pass is gone
			}
		}
	case len(held) == 0:
		w.gone(&row)
		if w.revoked {
			row.Outcome, row.Message = results.Revoked, ""
		}
		return j.done(w, row)
	case passes.Find(held, w.method) != nil:
		if w.looks++; w.looks < j.opts.Looks {
			req := w.delete()
			req.Delay = time.Second << w.looks
			return &req
		}
		row.Outcome = results.Failed
		row.Message = reply + ", and still lists the pass"
	case j.any(w):
		// It was replaced before our DELETE.
		if !w.uncertain {
			j.uncount(w, w.method)
		}
		if w.looks++; w.looks < j.opts.Looks {
			gone := *w.last
			w.gone(&gone)
			return j.nextIfRoom(w, gone, held)
		}
		row.Outcome = results.Replaced
		row.Message = "the user gets new passes faster than they can be deleted"
	default:
		row.Outcome = results.Replaced
		row.Message = "the user holds another pass: " + safetext.Printable(held[0].ID)
	}
	j.row(w, row)
	return nil
}

// checked handles the LIST after a DELETE that failed for good, an attempt of
// which may have been carried out.
func (j *Job) checked(w *work, res batch.Result) *batch.Request {
	row := *w.last
	if held, err := passes.Read(res); err == nil && passes.Listed(res) && passes.Find(held, w.method) == nil {
		row.Outcome = results.Revoked
		row.Message = answer.Join("gone, although the last attempt failed", row.Message)
		if len(w.rest) > 0 && len(held) > 0 {
			return j.nextIfRoom(w, row, held)
		}
	}
	return j.done(w, row)
}

// row writes what became of a pair of the Job's, for good.
func (j *Job) row(w *work, row results.Row) {
	if row.Outcome == results.NotSent && w.uncertain {
		row.Outcome = results.Unknown // this request was not sent, but an earlier one was
	}
	switch {
	case w.waiting:
		j.verifying--
	case w.begun:
		j.open--
	}
	outcome := j.put(w, row)
	j.judge(j.abort, outcome)
}

// put writes a row and counts it.
func (j *Job) put(w *work, row results.Row) results.Outcome {
	j.complete(w, &row)
	j.counts.Row(&row, w.before)
	if err := j.write(&row); err != nil {
		j.stop(err)
	}
	return row.Outcome
}

// journal writes a row that another one follows.
func (j *Job) journal(w *work, row results.Row) {
	j.complete(w, &row)
	j.Journal(&row)
}

// complete fills in what a row tells of its pair.
func (j *Job) complete(w *work, row *results.Row) {
	row.Source, row.Line, row.Column = w.pair.Source, w.pair.Line, w.pair.Column
	row.User, row.Method = w.pair.User, w.method
	if w.listed && !j.opts.VerifyOnly {
		row.AnyPass = w.pair.Method == "" && w.pair.Err == nil
		if !row.AnyPass && !strings.EqualFold(w.method, w.pair.Method) {
			row.InPlaceOf = w.pair.Method
		}
	}
	if row.UPN == "" {
		row.UPN = w.upn
	}
	if row.Reason == "" {
		row.Reason = string(w.reason)
	}
	row.Time = time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = j.opts.Caller.Hint(w.pair.User)
	}
}

// judge ends the run if what became of its first pairs leaves nothing to hope for.
func (j *Job) judge(a *abort, outcome results.Outcome) {
	if a.note(outcome) {
		j.stop(fmt.Errorf("%w: the first %d answers", answer.ErrAllDenied, j.opts.AbortAfter))
	}
}

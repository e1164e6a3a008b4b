package revoke

import (
	"fmt"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// Start begins an item, and returns the requests to send now.
func (j *Job) Start(item Item) []batch.Request {
	switch {
	case item.OnlySessions:
		j.startOnlySessions(&item)
	case j.opts.VerifyOnly && item.Sessions != nil:
		j.startProof(&item)
	}
	var requests []batch.Request
	if !item.OnlySessions {
		if req, ok := j.begin(item); ok {
			requests = append(requests, req)
		}
	}
	return append(requests, j.takeFollowUps()...)
}

// begin returns the first request of an item. If the item needs none, begin writes its row and
// returns false.
func (j *Job) begin(item Item) (req batch.Request, ok bool) {
	pair := item.Pair
	if j.opts.Done != nil && j.opts.Done(&pair) {
		j.settledBefore(&pair)
		return req, false
	}
	s := &pairState{pair: pair, stage: stageBegun, method: pair.Method, upn: pair.UPN, reason: item.Reason}
	if row := j.rowAtOnce(&item); row.Outcome != "" {
		j.finish(s, row)
		return req, false
	}
	s.key, s.stage = j.key(pair.User), stageOpen
	j.open++
	if j.opts.VerifyOnly {
		last := results.Row{Outcome: results.Absent}
		if item.Before == results.Revoked {
			last.Outcome = results.Revoked
		}
		req = *j.verify(s, last)
		req.Delay = 0 // the pass was deleted some time ago
		return req, true
	}
	if j.opts.Unconfirmed != nil {
		if d := j.opts.Unconfirmed(&pair); d != nil {
			s.method, s.upn, s.reason = d.Method, d.UPN, pass.Reason(d.Reason)
			if !d.Intended() {
				last := d.Row
				s.before = last.Outcome
				last.Message = stripVerifyNote(last.Message)
				j.dealtWithBefore(s, last.Outcome)
				return *j.verify(s, last), true
			}
			s.intended, s.announced, s.uncertain = true, true, true
		}
	}
	s.maybeDeleted = j.opts.MaybeDeleted != nil && j.opts.MaybeDeleted(&pair)
	if s.method != "" && !j.reserve(s, pass.Pass{ID: s.method}) {
		j.finish(s, j.boundRow(s))
		return req, false
	}
	// An earlier run that was deleting the pass may have found more passes of the user.
	// Or it was deleting one that the pair does not name, and this run may not.
	if j.opts.DryRun || s.method == "" || s.intended && (j.anyPass(s) || !strings.EqualFold(s.method, pair.Method)) {
		return s.list((*Job).afterFind), true
	}
	return s.delete(), true
}

// rowAtOnce returns the row of an item that needs no request, and a row without an outcome for any
// other item.
func (j *Job) rowAtOnce(item *Item) (row results.Row) {
	switch {
	case item.Err != nil:
		row.Outcome, row.Message = results.Invalid, item.Err.Error()
	case j.protects(&item.Pair):
		row.Outcome = results.Protected
	case item.FirstOf != nil:
		row.Outcome = results.Duplicate
		row.Message = fmt.Sprintf("the same pass as %s:%d", item.FirstOf.Source, item.FirstOf.Line)
	case j.opts.DryRun && item.Reason != "":
		row.Outcome = results.Planned // a scan has just read the pass
	}
	return row
}

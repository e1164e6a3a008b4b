package revoke

import (
	"fmt"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// start begins an item, and returns the requests to send now.
func (j *Job) start(item Item) []batch.Request {
	if j.opts.VerifyOnly && item.Sessions != nil {
		j.startVerifySessions(&item)
	}
	var requests []batch.Request
	outcome, completed := j.opts.AtOnce(&item)
	if item.OnlySessions || completed {
		j.startOnlySessions(&item)
	} else if req := j.begin(item, outcome); req != nil {
		requests = append(requests, *req)
	}
	return append(requests, j.takeFollowUps()...)
}

// AtOnce returns the outcome of an item that needs no request. It is empty for any other item, and
// for one whose pass an earlier run has completed, which has a row already.
func (o *Options) AtOnce(item *Item) (outcome results.Outcome, completed bool) {
	switch {
	case !item.OnlySessions && o.Earlier.Completed(&item.Pair):
		return "", true
	case item.Err != nil:
		return results.Invalid, false
	case item.FirstOf != nil:
		return results.Duplicate, false
	case o.isProtected(&item.Pair):
		return results.Protected, false
	case o.DryRun && item.Reason != "":
		return results.Planned, false // a scan has just read the pass
	}
	return "", false
}

// begin returns the first request of an item. If the item has an outcome at once, begin writes its row
// and returns nil.
func (j *Job) begin(item Item, outcome results.Outcome) *batch.Request {
	pair := item.Pair
	s := &pairState{pair: pair, method: pair.Method, upn: pair.UPN, reason: item.Reason}
	if outcome != "" {
		row := results.Row{Outcome: outcome}
		switch outcome {
		case results.Invalid:
			row.Message = item.Err.Error()
		case results.Duplicate:
			row.Message = fmt.Sprintf("the same pass as %s:%d", item.FirstOf.Source, item.FirstOf.Line)
		}
		j.writeLastRow(s, row)
		return nil
	}
	s.key = j.key(pair.User)
	if j.opts.VerifyOnly {
		last := results.Row{Outcome: results.Absent}
		if item.Before == results.Revoked {
			last.Outcome = results.Revoked
		}
		req := j.verify(s, last)
		req.Delay = 0 // an earlier run deleted the pass some time ago
		return req
	}
	if d := j.opts.Earlier.Unconfirmed(&pair); d != nil {
		s.method, s.upn, s.reason = d.Method, d.UPN, pass.Reason(d.Reason)
		if !d.Intended() {
			last := *d
			last.Message = stripVerifyNote(last.Message)
			j.dealtWith(&s.pair, last.Outcome, false)
			return j.verify(s, last)
		}
		s.intended, s.announced, s.uncertain = true, true, true
	}
	s.maybeDeleted = j.opts.Earlier.MaybeDeleted(&pair)
	// The earlier run that intended to delete the pass may have found more passes of the user. Or it intended to
	// delete a pass that the pair does not name, which this run must not do. A LIST shows what is there.
	if j.opts.DryRun || s.method == "" || s.intended && (j.anyPass(s) || !strings.EqualFold(s.method, pair.Method)) {
		return new(s.list((*Job).afterFind))
	}
	if !j.mayDelete(s, 1) {
		return nil
	}
	return new(s.delete())
}

// isProtected reports whether the user of a pair is protected.
func (o *Options) isProtected(pair *input.Pair) bool {
	p := o.Protected
	return p != nil && (p(pair.User) || pair.UPN != "" && p(pair.UPN))
}

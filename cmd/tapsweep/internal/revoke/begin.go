package revoke

import (
	"fmt"
	"strings"

	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// start begins an item.
func (j *Job) start(item *Item) {
	if j.opts.VerifyOnly && item.Sessions != nil {
		j.startVerifySessions(item)
	}
	if j.opts.Sessions && j.opts.Protected(item.User, item.UPN) && j.opts.Earlier.SessionsLeft(item.User) {
		// A row says that they are no longer left, because nothing else is written about a protected user.
		j.writeLastRow(sessionsOf(&item.Pair), results.Row{Outcome: results.Protected})
	}
	outcome, completed := j.opts.AtOnce(item)
	if item.OnlySessions || completed {
		j.startOnlySessions(item)
	} else {
		j.begin(item, outcome)
	}
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
	case o.Protected != nil && o.Protected(item.User, item.UPN):
		return results.Protected, false
	case o.DryRun && item.Reason != "":
		return results.Planned, false // a scan has just read the pass
	}
	return "", false
}

// begin sends the first request of an item. If the item has an outcome at once, begin writes its row instead.
func (j *Job) begin(item *Item, outcome results.Outcome) {
	pair := &item.Pair
	s := &subject{pair: *pair, method: pair.Method, upn: pair.UPN, reason: item.Reason}
	if outcome != "" {
		row := results.Row{Outcome: outcome}
		switch outcome {
		case results.Invalid:
			row.Message = item.Err.Error()
		case results.Duplicate:
			row.Message = fmt.Sprintf("the same pass as %s:%d", item.FirstOf.Source, item.FirstOf.Line)
		}
		j.writeLastRow(s, row)
		return
	}
	if j.opts.VerifyOnly {
		last := results.Row{Outcome: results.Absent}
		if item.Before == results.Revoked {
			last.Outcome = results.Revoked
		}
		j.verify(s, last)
		return
	}
	if d := j.opts.Earlier.Unconfirmed(pair); d != nil {
		s.method, s.upn, s.reason = d.Method, d.UPN, pass.Reason(d.Reason)
		if !d.Intended() {
			last := *d
			last.Message = stripVerifyNote(last.Message)
			j.dealtWith(pair, last.Outcome, false)
			j.verify(s, last)
			return
		}
		s.intended, s.announced, s.uncertain = true, true, true
	}
	s.maybeDeleted = j.opts.Earlier.MaybeDeleted(pair)
	// If the pair means any pass, the user may have further passes. Or an earlier run intended to delete a pass that
	// the pair does not name, which this run must not do. A LIST shows what is there.
	if j.opts.DryRun || j.anyPass(s) || s.intended && !strings.EqualFold(s.method, pair.Method) {
		j.list(s, 0, j.afterFind)
	} else if j.mayDelete(s, 1) {
		j.delete(s, 0)
	}
}

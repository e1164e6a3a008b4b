package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// SweepOptions are the options of Sweep.
type SweepOptions struct {
	Options

	Scope Scope
}

// Sweep finds passes and deletes them.
func Sweep(ctx context.Context, c *console.Console, o *SweepOptions) error {
	if !o.unattended() && !c.CanAsk() {
		return errCannotAsk()
	}
	protectList, err := openProtect(c, &o.Options)
	if err != nil {
		return err
	}
	return execute(ctx, c, &o.Options, plan{
		scope: &o.Scope,
		task:  o.withSessions(o.Scope.task(o.Header.DryRun)),
		quiet: (o.Quiet || !c.IsTerminal(c.Err)) && o.unattended(),
		prepare: func(r *run, ctx context.Context) error {
			return r.findProtected(ctx, protectList, namesOf(&o.Scope.Find))
		},
		resume: results.ResumeOptions{IgnoreFinishedRuns: true, OnCompleted: o.Metrics.Row},
		limit:  o.maxDeletes(c.IsTerminal(c.In)),
		work:   (*run).sweep,
	})
}

// sweep finds passes, and adds those that an earlier run began to delete. It asks the person to confirm, and deletes
// them. Last, it revokes the sessions that the earlier run did not revoke.
func (r *run) sweep(ctx context.Context) error {
	left := r.sessionsLeft()
	// The scan may find more passes of these users. They are deleted before the sessions are revoked.
	if err := r.expect(revoke.Each(left)); err != nil {
		return err
	}
	found, scanErr := r.gather(ctx)
	if r.console.Display().Stop(); scanErr != nil {
		r.sayKept(found)
		if ctx.Err() != nil { // nothing can be sent, so what earlier runs left keeps its rows
			return scanErr
		}
		found, left = nil, nil
	}
	items := r.sweepItems(found)
	if err := r.checkAndConfirm(ctx, r.question(revoke.Each(slices.Concat(items, left)))); err != nil {
		r.sayKept(found)
		return cmp.Or(scanErr, err)
	}
	if err := r.announceDeletes(found); err != nil {
		return err
	}
	r.scanLogged = scanErr == nil // from here on each pass gets a row, even if the run stops
	if err := r.expect(revoke.Each(items)); err != nil {
		return err
	}
	if scanErr == nil {
		r.show(progress.Options{Total: len(items), Phase: "revoking"})
	}
	err := cmp.Or(scanErr, r.job.Run(ctx, revoke.Each(items)))
	if err != nil || len(left) == 0 {
		return err
	}
	return r.job.Run(ctx, revoke.Each(left))
}

// sayKept says that the passes that the scan found are not deleted, and which command lists them. They get no rows: a
// run that resumes finds them again and asks again.
func (r *run) sayKept(found []*scan.Found) {
	if len(found) == 0 {
		return
	}
	words := r.scope.Scan
	if since := r.header.Since; !since.IsZero() { // an age would mean another time
		words = append(words, "--created-since="+since.Format(time.RFC3339))
	}
	those := "them"
	if r.header.HasProtectList() { // scan has no --protect
		those = "them, and the passes of protected users"
	}
	r.console.Say("found %s, and deleted none of them\nto list %s: %s", passes(len(found)), those,
		results.CommandLine(words))
}

// sweepItems returns the passes that an earlier run left, to delete or to verify, and those that the scan found.
func (r *run) sweepItems(found []*scan.Found) (items []revoke.Item) {
	add := func(row *results.Row) {
		pair := input.Pair{Source: row.Source, User: row.User, UPN: row.UPN, Method: row.Method, Creation: row.Creation}
		items = append(items, revoke.Item{Pair: pair, Reason: pass.Reason(row.Reason)})
	}
	for _, row := range r.earlier.AllUnconfirmed() {
		add(row)
	}
	for _, f := range found {
		add(foundRow(f))
	}
	return items
}

// gather scans and deletes nothing. It leaves out passes that an earlier run began to delete.
func (r *run) gather(ctx context.Context) (found []*scan.Found, err error) {
	r.show(progress.Options{Phase: "scanning", Noun: "users"})
	err = r.look(ctx, r.scope.Find, func(f *scan.Found) {
		if r.earlier.Unconfirmed(&input.Pair{User: f.User, Method: f.ID}) != nil {
			r.console.Display().Passed()
			return
		}
		r.console.Display().Row(&results.Row{Outcome: results.Found})
		found = append(found, f)
	})
	return found, err
}

// checkAndConfirm refuses to delete more passes than --max-items, and asks a person to confirm. It does not ask if
// nothing will be sent.
func (r *run) checkAndConfirm(ctx context.Context, q *question) error {
	if err := checkLimit(r.limit, q.passes, q.signOuts); err != nil {
		return err
	}
	if r.opts.unattended() || q.needless() || ctx.Err() != nil {
		return nil
	}
	return r.confirm(ctx, q)
}

// checkLimit returns an error if there are more passes, and users of whom only the sessions are revoked, than the
// limit. A limit of 0 means none.
func checkLimit(limit, deletes, signOuts int) error {
	if limit == 0 || deletes+signOuts <= limit {
		return nil
	}
	what := passes(deletes)
	if signOuts > 0 {
		what += " and the sessions of " + format.Plural(signOuts, "other user", "other users")
	}
	err := fmt.Errorf("%s are more than the limit of %s: nothing was deleted", what, format.Number(limit))
	return status.Refuse(err, status.HintBound)
}

// announceDeletes writes a provisional row for each pass before the first one is deleted. After a kill, the run that
// resumes writes the final rows. They are on disk before a delete is sent, see syncAnnounced.
func (r *run) announceDeletes(found []*scan.Found) error {
	if r.header.DryRun {
		return nil
	}
	for _, f := range found {
		row := foundRow(f)
		row.Provisional = true
		if err := r.job.Journal(row); err != nil {
			return err
		}
	}
	return nil
}

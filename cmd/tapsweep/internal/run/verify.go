package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// VerifyOptions say what Verify checks.
type VerifyOptions struct {
	Options

	Logs []string
	Wait time.Duration // how long a deleted pass may still be listed
}

// Verify lists the passes of every user in results logs.
func Verify(ctx context.Context, c *console.Console, o *VerifyOptions) (err error) {
	held, err := results.ReadUsers(o.Logs...)
	if err != nil {
		return status.Of(err)
	}
	if held.Foreign > 0 {
		c.Say("skipped %s in %s: not part of a results log", format.Plural(held.Foreign, "line", "lines"),
			strings.Join(o.Logs, ", "))
	}
	if err := checkLog(&o.Log, false, o.Logs...); err != nil {
		return err
	}
	ctx, cancel := withDeadline(ctx, o.Pace.Deadline)
	defer cancel()
	t, err := connect(ctx, c, &o.Options)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := held.First.Elsewhere(t.ID, t.Root); err != nil {
		return status.Refuse(fmt.Errorf("%s: %w", o.Logs[0], err), hintElsewhere)
	}
	if len(held.Users) == 0 {
		none := "no user to look at in " + strings.Join(o.Logs, ", ")
		if held.Invalid > 0 {
			return status.Refuse(fmt.Errorf("%s: %s invalid", none,
				format.Plural(held.Invalid, "row was", "rows were")))
		}
		c.Say("%s; nothing to do", none)
		return nil
	}
	r := begin(c, &o.Options, t, held.Digest)
	r.header.Pairs, r.verifiedLogs = len(held.Users), o.Logs
	defer func() {
		if err != nil {
			r.printHeldPreflight()
		}
	}()
	if err := r.preflight(preflight.Task{ReadOnly: true, Others: true}, o.Quiet); err != nil {
		return err
	}
	if err := r.makeRunner(); err != nil {
		return err
	}
	if err := r.open(results.ResumeOptions{}); err != nil {
		return err
	}
	return r.verify(ctx, o, held)
}

func (r *run) verify(ctx context.Context, o *VerifyOptions, held *results.LogUsers) error {
	summary := &Summary{Verify: true}
	return r.do(ctx, summary, func(ctx context.Context) (revoke.Counts, error) {
		r.show(progress.Options{Total: len(held.Users) - r.earlier.Len(), Phase: "verifying", Verb: "gone",
			Good: []results.Outcome{results.Revoked, results.Absent}})
		job := r.job(revoke.Options{Verify: o.Wait, VerifyOnly: true, AbortAfter: 100})
		err := job.Run(ctx, func(yield func(revoke.Item, error) bool) {
			for _, u := range held.Users {
				pair := input.Pair{Source: u.Source, Line: u.Line, User: u.User, UPN: u.UPN, Method: u.Method}
				if !yield(revoke.Item{Pair: pair, Before: u.Outcome}, nil) {
					return
				}
			}
		})
		return job.Counts(), err
	}, func(code int) {
		if code != status.Done || !o.Quiet {
			summary.Print(r.console.Err)
		}
	})
}

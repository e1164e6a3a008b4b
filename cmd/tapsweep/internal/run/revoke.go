package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// RevokeOptions say what Revoke deletes.
type RevokeOptions struct {
	Options
	Guards

	Lists       []string // files; "-" is standard input
	Users       []string // in place of lists
	Self        bool     // the signed-in user's own pass, in place of lists
	SkipInvalid bool     // leave bad rows out
	AnyPass     bool     // delete whatever pass a user holds
	Simulate    bool     // use a simulated tenant that holds what the lists name
}

// errNobody says that no person can confirm what a run is about to do.
func errNobody() error {
	return status.Refuse(errors.New("cannot ask: standard input or standard error is not a terminal"),
		"--yes runs without asking, --dry-run shows what would be done")
}

// Revoke deletes the passes on lists.
func Revoke(ctx context.Context, c *console.Console, o *RevokeOptions) error {
	if !o.unattended() && (!c.CanAsk() || slices.Contains(o.Lists, "-")) {
		return errNobody()
	}
	logs := &results.Lists{Sessions: o.Sessions}
	list, err := openLists(c.In, o, logs)
	if empty, ok := errors.AsType[*input.EmptyError](err); ok {
		c.Say("%v; nothing to do", empty)
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	warn(c, "", logs.Skipped)
	if n := logs.SessionsMissed(); n > 0 && !o.Sessions {
		c.Say("warning: the sessions of %s are left, as the lists say: --revoke-sessions revokes them",
			format.Plural(n, "user", "users"))
	}
	keep, err := openProtect(c, o.Protect)
	if err != nil {
		return err
	}
	limit := o.maxDeletes(o.Simulate || c.IsTerminal(c.In))
	if n := list.Stats().Unique; limit > 0 && n > limit {
		return status.Refuse(
			fmt.Errorf("the list has %d passes, more than the limit of %d: nothing was sent", n, limit),
			status.HintBound)
	}
	p := plan{
		header: results.Run{Digest: list.Digest(), Pairs: list.Stats().Rows, DryRun: o.DryRun, Verify: o.Verify > 0,
			AnyPass: o.AnyPass, Simulated: o.Simulate, Sessions: o.Sessions},
		list:  list,
		lists: o.Lists,
		logs:  logs.Runs(),
		task:  o.withSessions(token.Task{ReadOnly: o.DryRun, Own: o.Self, Others: !o.Self}),
		quiet: o.Quiet && o.unattended(),
	}
	if o.Sessions {
		p.doneBefore = logs.SessionsLeft()
	}
	if o.Simulate {
		p.logs = nil // a simulation takes the log of any tenant
		p.connect = func(ctx context.Context) (*tenant.Tenant, error) {
			return tenant.Simulate(ctx, list, keep, o.Version)
		}
	}
	return open(ctx, c, &o.Options, p, func(ctx context.Context, r *run) error {
		if err := r.prepareRevoke(ctx, o, keep); err != nil {
			return err
		}
		return r.revoke(ctx, o, limit)
	})
}

// prepareRevoke does the rest of what comes before the first line of the log: guards, the log
// of an earlier run and the question.
func (r *run) prepareRevoke(ctx context.Context, o *RevokeOptions, keep *protect.Rows) error {
	if err := r.guardList(ctx, keep); err != nil {
		return err
	}
	opts := results.ResumeOptions{Verify: o.Verify > 0, AnyPass: o.AnyPass}
	if o.Log.Resume {
		if err := r.openLog(opts); err != nil {
			return err
		}
	}
	if o.Sessions && r.list.Mixed() {
		if err := r.lookUpNames(ctx); err != nil {
			r.console.Say("warning: a user who is on the list by id and by name gets two calls "+
				"that revoke sessions: %s", safetext.Printable(err.Error()))
		}
	}
	if !o.unattended() {
		q, listed := r.question(r.everyItem()), r.list.Stats()
		q.completed += listed.Done
		q.leftOut[results.Protected] += listed.Protected
		if err := r.confirm(ctx, q); err != nil {
			return errors.Join(err, r.close())
		}
	}
	if r.log == nil {
		return r.openLog(opts)
	}
	return nil
}

// revoke deletes what the list names.
func (r *run) revoke(ctx context.Context, o *RevokeOptions, limit int) error {
	stats := r.list.Stats()
	r.makeJob(revoke.Options{DryRun: o.DryRun, AnyPass: o.AnyPass, Verify: o.Verify, AbortAfter: o.AbortAfter,
		MaxDeletes: limit, Sessions: o.Sessions})
	return r.do(ctx, func(ctx context.Context) error {
		if o.Sessions {
			if err := r.expect(r.everyItem()); err != nil {
				return err
			}
		}
		show := progress.Options{Total: stats.Rows - r.earlier.Len, Phase: "revoking"}
		if o.DryRun {
			show.Phase = "looking"
		}
		r.show(show)
		return r.revokeParts(ctx)
	})
}

// revokeParts revokes the object ids of the list first, and then the user principal names: of two writes
// for one user that share a batch, Graph may drop one in silence, and nothing shows that two names are
// of one user.
// Source: KelvinTegelaar/CIPP-API#1938.
func (r *run) revokeParts(ctx context.Context) error {
	if !r.list.Mixed() {
		return r.job.Run(ctx, r.everyItem())
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	byName := func(user string) bool { return strings.Contains(user, "@") }
	err := r.job.Run(ctx, r.items(func(user string) bool { return !byName(user) }))
	if err != nil {
		stop(err) // the second part is not sent, and its rows say so
	}
	return cmp.Or(err, r.job.Run(ctx, r.items(byName)))
}

// openLists reads the lists for the first time. Nothing is sent unless each row of them is good,
// or SkipInvalid says to leave the others out.
func openLists(stdin io.Reader, o *RevokeOptions, logs *results.Lists) (*input.List, error) {
	lists := o.Lists
	list, err := input.Open(lists, input.Options{SkipInvalid: o.SkipInvalid,
		Users: o.Users, Self: o.Self, Stdin: stdin, Reader: logs.Read})
	problems, bad := errors.AsType[*input.Problems](err)
	switch {
	case bad && !problems.Cut:
		return nil, status.Refuse(fmt.Errorf("%w\nnothing was sent", problems),
			"fix the rows, or leave them out with --skip-invalid")
	case bad:
		return nil, status.Refuse(fmt.Errorf("%w\nnothing was sent", problems))
	case err != nil:
		return nil, status.Refuse(err, HintUser(err, lists)...)
	}
	return list, nil
}

// HintUser returns a hint if a user was given where a list is expected.
func HintUser(err error, lists []string) []string {
	for _, name := range lists {
		if errors.Is(err, fs.ErrNotExist) && input.CheckUser(name) == nil {
			return []string{"to name a user without a list, use --user " + name}
		}
	}
	return nil
}

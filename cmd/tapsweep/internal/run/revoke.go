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

// RevokeOptions are the options of Revoke. Exactly one of Lists, Users and Self names the users.
type RevokeOptions struct {
	Options
	Guards

	Lists       []string // files; "-" is standard input
	Users       []string // object IDs or user principal names
	Self        bool     // the user who is signed in
	SkipInvalid bool     // leave invalid rows out
	AnyPass     bool     // delete any pass of each user, whatever pass ID the row names
	Simulate    bool     // use a simulated tenant that has the users and passes of the lists
}

// errCannotAsk returns the error of a run that must ask, but has no terminal.
func errCannotAsk() error {
	return status.Refuse(errors.New("cannot ask: standard input or standard error is not a terminal"),
		"to run without a question, use --yes; to see what would be deleted, use --dry-run")
}

// Revoke deletes the passes on lists.
func Revoke(ctx context.Context, c *console.Console, o *RevokeOptions) error {
	if !o.unattended() && (!c.CanAsk() || slices.Contains(o.Lists, "-")) {
		return errCannotAsk()
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
		c.Say("warning: according to the lists, the sessions of %s are not revoked yet: add --revoke-sessions to "+
			"revoke them", format.Plural(n, "user", "users"))
	}
	protectList, err := openProtect(c, o.Protect)
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
		logs:  logs.Runs,
		task:  o.withSessions(token.Task{ReadOnly: o.DryRun, Own: o.Self, Others: !o.Self}),
		quiet: o.Quiet && o.unattended(),
	}
	if o.Sessions {
		p.doneBefore = logs.SessionsLeft()
	}
	if o.Simulate {
		p.logs = nil // a simulation accepts the log of any tenant
		p.connect = func(ctx context.Context) (*tenant.Tenant, error) {
			return tenant.Simulate(ctx, list, protectList, o.Version)
		}
	}
	return open(ctx, c, &o.Options, p, func(ctx context.Context, r *run) error {
		if err := r.prepareRevoke(ctx, o, protectList); err != nil {
			return err
		}
		return r.revoke(ctx, o, limit)
	})
}

// prepareRevoke checks the protected users, opens the log, and asks the person to confirm.
func (r *run) prepareRevoke(ctx context.Context, o *RevokeOptions, protectList *protect.List) error {
	if err := r.findProtectedForRevoke(ctx, protectList); err != nil {
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
			r.console.Say("warning: a user who is listed by object ID and by user principal name gets two calls "+
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

// revokeParts first handles the rows with an object ID, and then the rows with a user principal name. If two
// writes for one user share a batch, Graph may drop one of them without an error, and tapsweep cannot know
// that two names belong to one user.
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
		stop(err) // the rows of the second part become not_sent
	}
	return cmp.Or(err, r.job.Run(ctx, r.items(byName)))
}

// openLists reads the lists. It refuses them if a row is invalid, unless SkipInvalid is set.
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

// HintUser returns a hint if the command line has a user where it needs a list.
func HintUser(err error, lists []string) []string {
	for _, name := range lists {
		if errors.Is(err, fs.ErrNotExist) && input.CheckUser(name) == nil {
			return []string{"to name a user without a list, use --user " + name}
		}
	}
	return nil
}

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

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// RevokeOptions are the options of Revoke. Exactly one of Lists, Users and Self names the users.
type RevokeOptions struct {
	Options

	Lists       []string // files; "-" is standard input
	Users       []string // object IDs or user principal names
	Self        bool     // the user who is signed in
	SkipInvalid bool     // leave invalid rows out
}

// errCannotAsk returns the error of a run that must ask, but has no terminal.
func errCannotAsk() error {
	return status.Refuse(errors.New("cannot ask: standard input or standard error is not a terminal"),
		"to run without a question, use --yes; to see what would be deleted, use --dry-run")
}

// Revoke deletes the passes on lists. A simulation uses a tenant that has the users and passes of the lists.
func Revoke(ctx context.Context, c *console.Console, o *RevokeOptions) error {
	if !o.unattended() && (!c.CanAsk() || slices.Contains(o.Lists, "-")) {
		return errCannotAsk()
	}
	logs := &results.Lists{Sessions: o.Header.Sessions}
	list, err := openLists(c.In, o, logs)
	warn(c, "", logs.Warnings)
	if empty, ok := errors.AsType[*input.EmptyError](err); ok {
		c.Say("%v; nothing to do", empty)
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	warn(c, "no row in ", list.Empty())
	warn(c, "anybody can sign in with the passes in column temporaryAccessPass, and tapsweep does not need them: "+
		"delete or protect ", list.WithCodes())
	if n := logs.SessionsMissed(); n > 0 && !o.Header.Sessions {
		c.Say("warning: according to the lists, the sessions of %s are not revoked yet: add --revoke-sessions to "+
			"revoke them", format.Plural(n, "user", "users"))
	}
	protectList, err := openProtect(c, &o.Options)
	if err != nil {
		return err
	}
	var sessionsLeft []input.Pair
	if o.Header.Sessions {
		sessionsLeft = logs.SessionsLeft()
	}
	limit := o.maxDeletes(o.Header.Simulated || c.IsTerminal(c.In))
	if err := checkLimit(limit, list.Stats().Unique, len(sessionsLeft)); err != nil {
		return err
	}
	o.Header.Digest, o.Header.Pairs, o.Header.Lists = list.Digest(), list.Stats().Rows, list.Files()
	p := plan{
		list:    list,
		lists:   o.Lists,
		logs:    logs.Runs,
		task:    o.withSessions(token.Task{ReadOnly: o.Header.DryRun, Own: o.Self, Others: !o.Self}),
		quiet:   o.Quiet && o.unattended(),
		limit:   limit,
		prepare: func(r *run, ctx context.Context) error { return r.findProtectedForRevoke(ctx, protectList) },
		ask:     (*run).askToRevoke,
		work:    (*run).revoke,

		doneBefore: sessionsLeft,
	}
	if o.Header.Simulated {
		p.logs = nil // a simulation accepts the log of any tenant
		p.connect = func(ctx context.Context) (*tenant.Tenant, error) {
			return tenant.Simulate(ctx, list, protectList, tenant.Options{Version: o.Header.Version, Say: c.Say})
		}
	}
	return execute(ctx, c, &o.Options, p)
}

// askToRevoke asks the person to confirm. It does not ask if nothing will be deleted or revoked.
func (r *run) askToRevoke(ctx context.Context) error {
	if r.opts.unattended() {
		return nil
	}
	q, listed := r.question(r.everyItem()), r.list.Stats()
	if q.needless() {
		return nil
	}
	q.completed += listed.Done
	q.leftOut[results.Protected] += listed.Protected
	return r.confirm(ctx, q)
}

func (r *run) revoke(ctx context.Context) error {
	if r.header.Sessions {
		if err := r.expect(r.everyItem()); err != nil {
			return err
		}
	}
	phase := "revoking"
	if r.header.DryRun {
		phase = "looking"
	}
	earlier, _ := r.earlier.Totals()
	completed := r.earlier.Len - earlier.Outcomes[results.Duplicate] - earlier.Outcomes[results.Invalid]
	r.show(progress.Options{Total: r.list.Stats().Unique - completed, Phase: phase})
	return r.revokeParts(ctx)
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
	list, err := input.Open(o.Lists, input.Options{SkipInvalid: o.SkipInvalid,
		Users: o.Users, Self: o.Self, Stdin: stdin, Reader: logs.Read})
	problems, bad := errors.AsType[*input.Problems](err)
	switch {
	case bad && !problems.Cut:
		return nil, status.Refuse(fmt.Errorf("%w\nnothing was deleted", problems),
			"fix the rows, or leave them out with --skip-invalid")
	case bad:
		return nil, status.Refuse(fmt.Errorf("%w\nnothing was deleted", problems))
	case err != nil:
		return nil, status.RefuseFile(err, HintUser(err, o.Lists)...)
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

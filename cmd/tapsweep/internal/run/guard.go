package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// warn shows warnings. Words that say what they are about come first, or none.
func warn(c *console.Console, about string, warnings []string) {
	for _, text := range warnings {
		c.Say("warning: %s%s", about, text)
	}
}

// openProtect reads the lists of protected users. It warns of skipped lines of logs, which may have been
// meant to name somebody.
func openProtect(c *console.Console, paths []string) (*protect.Rows, error) {
	logs := new(results.Lists)
	keep, err := protect.Open(logs.Read, paths...)
	if err != nil {
		return nil, status.Refuse(fmt.Errorf("--protect: %w\nnothing was sent", err))
	}
	warn(c, "--protect: ", logs.Skipped)
	return keep, nil
}

// guard finds out who the protected users are, before anything is written anywhere.
func (r *run) guard(ctx context.Context, keep *protect.Rows, pairs iter.Seq2[input.Pair, error]) (err error) {
	r.unguarded = keep.Empty()
	forbidden := ""
	if !r.mayTryLookUp() {
		forbidden = "the token lacks " + lookUpPermission
	}
	r.protectedUsers, err = keep.Resolve(ctx, r.runner, pairs, forbidden)
	if err != nil {
		return r.ended(ctx, fmt.Errorf("--protect: %w\nnothing was changed", err))
	}
	if warning := r.protectedUsers.Warning(); warning != "" {
		r.console.Say("warning: %s", warning)
	}
	if r.header.Simulated && !keep.Empty() {
		r.console.Say("warning: a rehearsal does not check whether the protected users exist: " +
			"--dry-run without --simulate looks them up")
	}
	return nil
}

// protected reports whether a user of the list must not be touched.
func (r *run) protected(user string) bool {
	if user == input.Me {
		return slices.ContainsFunc(r.tenant.Token.Self, r.protectedUsers.Has)
	}
	return r.protectedUsers.Has(user)
}

// spares reports whether a user must not be touched, by either name.
func (r *run) spares(user, upn string) bool {
	return r.protected(user) || upn != "" && r.protected(upn)
}

// lookUpPermission is the permission needed to read a user.
// Source: learn.microsoft.com/graph/api/user-get.
const lookUpPermission = "User.Read.All or User.ReadBasic.All"

// mayTryLookUp reports whether it makes sense to look a user up. It does not if the token
// shows that Graph would refuse.
func (r *run) mayTryLookUp() bool {
	return r.opts.NoPreflight || r.tenant.Token.MayLookUp() != token.No
}

// guardList is guard for the users on the list. With --self, that is the user who is signed
// in, who may be protected under a name that the token does not have.
func (r *run) guardList(ctx context.Context, keep *protect.Rows) error {
	if !r.list.IsSelf() {
		return r.guard(ctx, keep, r.everybody())
	}
	if err := r.identify(ctx); err != nil {
		return err
	}
	names := r.tenant.Token.Self
	if len(names) == 0 && !keep.Empty() {
		return status.Refuse(errors.New("it is not known whether the user who is signed in is protected, "+
			"because Graph does not say who that is"),
			"name the user in place of --self, or sign in with the permission User.Read as well")
	}
	return r.guard(ctx, keep, func(yield func(input.Pair, error) bool) {
		if len(names) == 1 { // if both names are known, no protected user has to be looked up
			yield(input.Pair{User: names[0]}, nil)
		}
	})
}

// identify finds out the names of the user who is signed in. It asks Graph, because the names in
// a token may not be those in the directory. If Graph does not say, only the object ID in the
// token is known.
func (r *run) identify(ctx context.Context) error {
	tok := r.tenant.Token
	me, err := protect.Me(ctx, r.runner)
	if err != nil {
		return r.ended(ctx, fmt.Errorf("%w\nnothing was changed", err))
	}
	if me == (input.User{}) && len(tok.Self) > 0 && format.IsGUID(tok.Self[0]) {
		me.ID = tok.Self[0]
	}
	tok.Self = slices.DeleteFunc([]string{me.ID, me.UPN}, func(name string) bool { return name == "" })
	r.header.Self = me.ID
	return nil
}

// isSelf reports whether a row's user is the one who is signed in, as far as that is known.
func (r *run) isSelf(user string) bool { return user == input.Me || r.tenant.Token.Is(user) }

// preflight checks the token against the task, and shows both unless quiet is set. Without a preflight
// only what could not be compared is shown.
func (r *run) preflight(task token.Task, quiet bool) error {
	r.requiredAccess = task
	if r.opts.NoPreflight {
		for _, doubt := range r.tenant.Token.Doubts {
			r.console.Say("warning: %s", doubt)
		}
		return nil
	}
	w := r.console.Err
	if quiet {
		w = io.Discard
	}
	return r.tenant.Check(w, task)
}

// findCreator looks up the user that --created-by names. A record of the audit log has the
// user principal name at the time of the event, so records are matched by the user's other
// names as well. If Graph cannot be reached, the command ends. If the lookup fails otherwise, the
// summary says so: no record matches a name that does not exist, and that must not look like an
// all-clear.
func (r *run) findCreator(ctx context.Context, audit *scan.Audit) error {
	if audit == nil || audit.By == "" {
		return nil
	}
	name := strings.TrimSpace(audit.By)
	user := input.User{UPN: name}
	if format.IsGUID(name) {
		user = input.User{ID: name}
	}
	doubt := "could not check that " + safetext.Printable(name) + " exists: "
	if user.ID == "" && input.CheckUser(name) != nil {
		r.summary.CreatorDoubt = doubt + "tapsweep does not ask for permission to read apps"
		return nil
	}
	if !r.mayTryLookUp() {
		r.summary.CreatorDoubt = doubt + "the token lacks " + lookUpPermission
		return nil
	}
	found, err := protect.LookUp(ctx, r.runner, user)
	answer, _ := errors.AsType[*batch.StatusError](err)
	switch {
	case err == nil:
		audit.Names = []string{found.ID, found.UPN}
	case ctx.Err() != nil || status.Known(err):
		return r.ended(ctx, err)
	case answer != nil && answer.Status == 404:
		r.summary.NoCreator = user.ID == "" // an app may have the object ID
		r.summary.CreatorDoubt = "the tenant has no user " + safetext.Printable(name) +
			": check the spelling (a deleted account is not found either)"
	default:
		r.summary.CreatorDoubt = doubt + safetext.Printable(err.Error())
	}
	return nil
}

// namesOf reports whether the scan will yield object ids, user principal names or both, so that
// protect can look up what is missing: users on lists have the name on the list, all others an id.
func namesOf(opts *scan.Options) iter.Seq2[input.Pair, error] {
	return func(yield func(input.Pair, error) bool) {
		for _, u := range opts.Users {
			if !yield(input.Pair{User: cmp.Or(u.ID, u.UPN)}, nil) {
				return
			}
		}
		if opts.All || len(opts.Groups) > 0 || opts.Audit != nil || opts.MembersOnly || opts.EnabledOnly {
			yield(input.Pair{User: someID}, nil)
		}
	}
}

// someID stands for users that are known by their object id.
const someID = "00000000-0000-4000-8000-000000000000"

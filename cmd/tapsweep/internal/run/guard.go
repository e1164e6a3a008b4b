package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// openProtect reads the lists of protected users. It warns of skipped lines of logs, which may
// have been meant to name somebody.
func openProtect(c *console.Console, paths []string) (*protect.List, error) {
	logs := new(results.Lists)
	keep, err := protect.Open(logs.Read, paths...)
	if err != nil {
		return nil, status.Refuse(fmt.Errorf("--protect: %w\nnothing was sent", err))
	}
	for _, warning := range logs.Foreign() {
		c.Say("warning: --protect: %s", warning)
	}
	return keep, nil
}

// guard finds out who the protected users are, before anything is written anywhere.
func (r *run) guard(ctx context.Context, keep *protect.List, pairs revoke.Source) (err error) {
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
func (r *run) guardList(ctx context.Context, keep *protect.List) error {
	if !r.list.IsSelf() {
		return r.guard(ctx, keep, r.everybody())
	}
	me, err := r.identify(ctx, len(keep.Rows()) == 0)
	if err != nil {
		return err
	}
	return r.guard(ctx, keep, func(yield func(input.Pair, error) bool) {
		switch { // If both names are known, no protected user has to be looked up.
		case me.UPN == "":
			yield(input.Pair{User: me.ID}, nil)
		case me.ID == "":
			yield(input.Pair{User: me.UPN}, nil)
		}
	})
}

// identify returns the names of the user who is signed in. It asks Graph, because the names in
// a token may not be those in the directory. If Graph does not say, only the object ID in the
// token is known. If nobody is protected, that ID is enough, and no name at all is no error.
func (r *run) identify(ctx context.Context, unguarded bool) (me input.User, err error) {
	tok := r.tenant.Token
	if len(tok.Self) > 0 && format.IsGUID(tok.Self[0]) {
		me.ID = tok.Self[0]
	}
	if !unguarded || me.ID == "" {
		found, err := protect.Me(ctx, r.runner)
		if err != nil {
			return me, r.ended(ctx, fmt.Errorf("%w\nnothing was changed", err))
		}
		if found != (input.User{}) {
			me = found
		}
	}
	tok.Self = nil
	for _, name := range []string{me.ID, me.UPN} {
		if name != "" {
			tok.Self = append(tok.Self, name)
		}
	}
	r.header.Self = me.ID
	if !unguarded && len(tok.Self) == 0 {
		return me, status.Refuse(errors.New("it is not known whether the user who is signed in is protected, "+
			"because Graph does not say who that is"),
			"name the user in place of --self, or sign in with the permission User.Read as well")
	}
	return me, nil
}

// isSelf reports whether a row's user is the one who is signed in, as far as that is known.
func (r *run) isSelf(user string) bool { return user == input.Me || r.tenant.Token.Is(user) }

// preflight checks the token against the task. A quiet run keeps back what it would print.
// Without a preflight only what could not be compared is printed.
func (r *run) preflight(task token.Task, quiet bool) (err error) {
	r.requiredAccess = task
	var block bytes.Buffer
	if r.opts.NoPreflight {
		for _, doubt := range r.tenant.Token.Doubts {
			fmt.Fprintf(&block, "warning: %s\n", doubt)
		}
		task.PrintSince(&block)
	} else {
		err = r.tenant.Check(&block, task)
	}
	if r.list != nil && r.list.Stats().Named > 0 {
		fmt.Fprintf(&block, "%s an object ID and a name: the object ID decides, and the name is not checked\n",
			format.Plural(r.list.Stats().Named, "row gives", "rows give"))
	}
	if err == nil && quiet {
		r.heldPreflight = block.Bytes()
		return nil
	}
	r.console.Err.Write(block.Bytes())
	return err
}

// printHeldPreflight prints the preflight that a quiet run kept back, because a failed run should
// show everything.
func (r *run) printHeldPreflight() {
	r.console.Err.Write(r.heldPreflight)
	r.heldPreflight = nil
}

// task is what the list needs of the token.
func (r *run) task(readOnly bool) token.Task {
	self := r.list.IsSelf()
	return token.Task{ReadOnly: readOnly, Own: self, Others: !self}
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
	doubt := func(format string, args ...any) {
		r.summary.CreatorDoubt = fmt.Sprintf(format, append([]any{safetext.Printable(name)}, args...)...)
	}
	switch {
	case format.IsGUID(name):
		user = input.User{ID: name}
	case input.CheckUser(name) != nil:
		doubt("could not check that an app named %s exists: tapsweep does not ask for permission to read apps")
		return nil
	}
	if !r.mayTryLookUp() {
		doubt("could not check that user %s exists: the token lacks %s", lookUpPermission)
		return nil
	}
	found, err := protect.LookUp(ctx, r.runner, user)
	answer, answered := errors.AsType[*batch.StatusError](err)
	if err != nil && (ctx.Err() != nil || status.Known(err)) {
		return r.ended(ctx, err)
	}
	switch {
	case err == nil:
		audit.Names = []string{found.ID, found.UPN}
	case answered && answer.Status == 404 && user.ID != "":
		doubt("no user has the object id %s; it was not checked whether an app has it")
	case answered && answer.Status == 404:
		r.summary.NoCreator = true
		doubt("the tenant has no user %s: check the spelling (a deleted account is not found either)")
	default:
		doubt("could not check that user %s exists: %s", safetext.Printable(err.Error()))
	}
	return nil
}

// namesOf reports whether the scan will yield object ids, user principal names or both, so that
// protect can look up what is missing: users on lists have the name on the list, all others an id.
func namesOf(opts *scan.Options) revoke.Source {
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

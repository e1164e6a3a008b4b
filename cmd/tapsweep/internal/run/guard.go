package run

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// warn shows warnings. Each begins with about, which may be empty.
func warn(c *console.Console, about string, warnings []string) {
	for _, text := range warnings {
		c.Say("warning: %s%s", about, text)
	}
}

// openProtect reads the lists of protected users. It warns about skipped lines of logs, because they may name
// users.
func openProtect(c *console.Console, o *Options) (*protect.Named, error) {
	logs := new(results.Lists)
	protectList, err := protect.Open(logs.Read, o.Guards.Protect...)
	if err != nil {
		return nil, status.RefuseFile(fmt.Errorf("--protect: %w\nnothing was deleted", err))
	}
	warn(c, "--protect: ", logs.Warnings)
	o.Header.Protect = protectList.Files()
	return protectList, nil
}

// findProtected finds out who the protected users are. It runs before anything is written.
func (r *run) findProtected(ctx context.Context, protectList *protect.Named,
	pairs iter.Seq2[input.Pair, error]) (err error) {
	r.protectedUsers, err = protectList.Resolve(ctx, r.runner, pairs, r.noLookUps())
	if err != nil {
		return r.ended(ctx, fmt.Errorf("--protect: %w\nnothing was deleted", err))
	}
	if err := r.protectedUsers.CheckRows(pairs); err != nil {
		return status.Refuse(fmt.Errorf("%w\nnothing was deleted", err), "correct the rows: the object ID is enough")
	}
	if warning := r.protectedUsers.Warning(); warning != "" {
		r.console.Say("warning: %s", warning)
	}
	if r.header.Simulated && !protectList.Empty() {
		r.console.Say("warning: a simulation does not check whether the protected users exist: " +
			"use --dry-run without --simulate to check them")
	}
	return nil
}

// isProtectedName reports whether a user is protected. user is an object ID, a user principal name or input.Me.
func (r *run) isProtectedName(user string) bool {
	if user == input.Me {
		return slices.ContainsFunc(r.tenant.Token.Self, r.protectedUsers.Has)
	}
	return r.protectedUsers.Has(user)
}

// isProtected reports whether a user is protected by either name.
func (r *run) isProtected(user, upn string) bool {
	return r.isProtectedName(user) || upn != "" && r.isProtectedName(upn) && !r.protectedUsers.AreTwo(user, upn)
}

// noLookUps returns why Graph would refuse to look up a user, "" if the token does not show that it would.
// Source: learn.microsoft.com/graph/api/user-get.
func (r *run) noLookUps() string {
	if r.opts.NoPreflight || r.tenant.Token.MayLookUp() != token.No {
		return ""
	}
	return "the token lacks User.Read.All or User.ReadBasic.All"
}

// findProtectedForRevoke calls findProtected with the users on the list. With --self this is the user who is signed
// in. The token may not have the name under which this user is protected, so Graph is asked.
func (r *run) findProtectedForRevoke(ctx context.Context, protectList *protect.Named) error {
	if !r.list.IsSelf() {
		return r.findProtected(ctx, protectList, r.everybody())
	}
	if err := r.identify(ctx); err != nil {
		return err
	}
	names := r.tenant.Token.Self
	if len(names) == 0 && !protectList.Empty() {
		return status.Refuse(errors.New("tapsweep cannot check whether the person who is signed in is protected, "+
			"because Graph does not say who it is"),
			"use --user instead of --self, or also grant the permission User.Read")
	}
	return r.findProtected(ctx, protectList, func(yield func(input.Pair, error) bool) {
		if len(names) == 1 { // with both names, no lookup is needed
			yield(input.Pair{User: names[0]}, nil)
		}
	})
}

// identify finds out the names of the user who is signed in. It asks Graph, because the names in a token may
// differ from those in the directory. If Graph does not answer, only the object ID in the token is known.
func (r *run) identify(ctx context.Context) error {
	tok := r.tenant.Token
	me, err := protect.Me(ctx, r.runner)
	if err != nil {
		return r.ended(ctx, fmt.Errorf("%w\nnothing was deleted", err))
	}
	if me == (input.User{}) && len(tok.Self) > 0 && input.IsGUID(tok.Self[0]) {
		me.ID = tok.Self[0]
	}
	tok.Self = slices.DeleteFunc([]string{me.ID, me.UPN}, func(name string) bool { return name == "" })
	r.header.Self = me.ID
	return nil
}

// isSelf reports whether user is known to be the one who is signed in.
func (r *run) isSelf(user string) bool { return user == input.Me || r.tenant.Token.Is(user) }

// preflight checks that the token allows the task, and shows both. If quiet is set, it shows them only if the
// check or the run fails. With --no-preflight it shows only the doubts about the tenant of the token.
func (r *run) preflight() error {
	if r.opts.NoPreflight {
		for _, doubt := range r.tenant.Token.Doubts {
			r.console.Say("warning: %s", doubt)
		}
		return nil
	}
	var block bytes.Buffer
	if err := r.tenant.Check(&block, r.task); err != nil || !r.quiet {
		_, _ = block.WriteTo(r.console.Err)
		return err
	}
	r.heldPreflight = block.Bytes()
	return nil
}

// sinceLine returns a line with the time that --created-since means. It is empty if there is no such time.
func (r *run) sinceLine() string {
	if r.header.Since.IsZero() {
		return ""
	}
	return "passes created since " + r.header.Since.Format(time.RFC3339) + "\n"
}

// showSince shows like preflight which passes to find. A resumed run knows this only when its log is open.
func (r *run) showSince() {
	switch line := r.sinceLine(); {
	case r.opts.NoPreflight:
	case r.quiet:
		r.heldPreflight = append(r.heldPreflight, line...)
	default:
		fmt.Fprint(r.console.Err, line)
	}
}

// findCreator looks up the user that --created-by names. An audit record has the user principal name at the
// time of the event, so records are matched by all names of the user. If Graph cannot be reached, the command
// ends. If the lookup fails for another reason, the summary shows this: no record has a name that does not
// exist, and this must not look like a scan that found nothing suspicious.
func (r *run) findCreator(ctx context.Context) error {
	if r.scope == nil || r.scope.Find.Audit == nil || r.scope.Find.Audit.By == "" {
		return nil
	}
	audit := r.scope.Find.Audit
	name := strings.TrimSpace(audit.By)
	user := input.User{UPN: name}
	if input.IsGUID(name) {
		user, r.summary.CreatorByID = input.User{ID: name}, true
	}
	doubt := "could not check that " + safetext.Printable(name) + " exists: "
	if user.ID == "" && input.CheckUser(name) != nil {
		r.summary.CreatorDoubt = doubt + "it is not a user principal name, and tapsweep asks for no permission " +
			"to read the names of apps"
		return nil
	}
	if why := r.noLookUps(); why != "" {
		r.summary.CreatorDoubt = doubt + why
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
		r.summary.CreatorDoubt = "the tenant has no user " + safetext.Printable(name) +
			": check the spelling (apps and deleted accounts are not found either)"
	default:
		r.summary.CreatorDoubt = doubt + safetext.Printable(err.Error())
	}
	return nil
}

// namesOf yields a pair for each user on the lists of a scan, and one with an object ID if the scan finds others. So
// protect can look up the kinds of names that it lacks, and check the rows.
func namesOf(opts *scan.Options) iter.Seq2[input.Pair, error] {
	return func(yield func(input.Pair, error) bool) {
		for _, u := range opts.Users {
			if !yield(input.Pair{Source: u.Source, Line: u.Line, User: cmp.Or(u.ID, u.UPN), UPN: u.UPN}, nil) {
				return
			}
		}
		if opts.All || len(opts.Groups) > 0 || opts.Audit != nil || opts.MembersOnly || opts.EnabledOnly {
			yield(input.Pair{User: someID}, nil)
		}
	}
}

// someID stands for all users that are known by their object ID.
const someID = "00000000-0000-4000-8000-000000000000"

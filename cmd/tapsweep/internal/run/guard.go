package run

import (
	"context"
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// openProtect reads the lists of protected users. It warns of skipped lines of logs, which may
// have been meant to name somebody.
func openProtect(c *console.Console, paths []string) (*protect.List, error) {
	logs := new(results.Lists)
	keep, err := protect.Open(logs.Read, paths...)
	if err != nil {
		return nil, status.Refuse(fmt.Errorf("--protect: %w", err), "nothing was sent")
	}
	for _, warning := range logs.Foreign() {
		c.Say("warning: --protect: %s", warning)
	}
	return keep, nil
}

// guard finds out who the protected users are, before anything is written anywhere.
func (r *run) guard(ctx context.Context, keep *protect.List, pairs revoke.Source) (err error) {
	r.unguarded = keep.Empty()
	keep.Check = r.protectCheck()
	r.protectedUsers, err = keep.Resolve(ctx, r.runner, pairs)
	if err != nil {
		return r.ended(ctx, fmt.Errorf("--protect: %w\nnothing was changed", err))
	}
	if doubt := r.protectedUsers.Doubt(); doubt != "" {
		r.console.Say("warning: %s", doubt)
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

// protectCheck returns how to check that protected users exist.
func (r *run) protectCheck() protect.Check {
	switch {
	case r.simulated:
		// The simulated tenant has exactly the users on the lists. A break-glass account
		// is on no list, so its absence is no reason to refuse the name.
		return protect.Check{Rehearsal: true, Why: "the simulated tenant has only the users on the lists; " +
			"--dry-run without --simulate looks them up"}
	case !r.mayTryLookUp():
		return protect.Check{Why: "the token lacks " + lookUpPermission}
	}
	return protect.Check{Ask: true}
}

// lookUpPermission is the permission needed to read a user.
// Source: learn.microsoft.com/graph/api/user-get.
const lookUpPermission = "User.Read.All or User.ReadBasic.All"

// mayTryLookUp reports whether it makes sense to look a user up. It does not if the token
// shows that Graph would refuse.
func (r *run) mayTryLookUp() bool {
	return r.opts.NoPreflight || r.tenant.Token.MayLookUp() != preflight.No
}

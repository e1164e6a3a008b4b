package main

import (
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
)

// protectCheck returns how to check that protected users exist.
func (r *runOf) protectCheck() protect.Check {
	switch {
	case r.flags.drill:
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
func (r *runOf) mayTryLookUp() bool {
	return r.flags.noPreflight || r.tenant.token.MayLookUp() != preflight.No
}

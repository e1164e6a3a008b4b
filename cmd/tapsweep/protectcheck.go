package main

import (
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
)

// protectCheck says how to find out whether protected names are anybody's.
func (r *runOf) protectCheck() protect.Check {
	switch {
	case r.flags.drill:
		// A tenant that is made from the lists has everybody who is on them. A
		// break-glass account is on no list, so that alone is no reason to refuse it.
		return protect.Check{Rehearsal: true, Why: "the simulated tenant has only the users on the lists; " +
			"--dry-run without --simulate looks them up"}
	case !r.mayTryLookUp():
		return protect.Check{Why: "the token lacks " + lookUpPermission}
	}
	return protect.Check{Ask: true}
}

// lookUpPermission is what it takes to read a user.
// Source: learn.microsoft.com/graph/api/user-get.
const lookUpPermission = "User.Read.All or User.ReadBasic.All"

// mayTryLookUp reports whether it makes sense to look a user up: not with a token that
// shows that Graph would refuse it.
func (r *runOf) mayTryLookUp() bool {
	return r.flags.noPreflight || r.tenant.token.MayLookUp() != preflight.No
}

package revoke

import (
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// A Caller is what the token tells of the one who asks Graph to delete. Graph says
// accessDenied for several causes, and its texts are not to be relied on; what
// the token shows leaves fewer of them.
// Source: learn.microsoft.com/graph/errors.
type Caller struct {
	App        bool // an app's token
	Permitted  bool // the permission is in it
	Privileged bool // it shows Privileged Authentication Administrator
}

// What a 403 can mean, and what to do about each cause.
// Source: learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions,
// "who can perform sensitive actions"; for one's own methods
// learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
const (
	hintPermission = "the permission may be missing: tapsweep check tells"
	hintTarget     = "the user may hold an admin role, or belong to a role-assignable group or a restricted administrative unit, " +
		"which takes Privileged Authentication Administrator"
	hintAppRole  = "assign that role to the app's service principal, or have a person who holds it do this row"
	hintUserRole = "your role may not reach: it takes Authentication Administrator at least, activated, and not only for an " +
		"administrative unit that this user is not in"
	hintOwn    = "changing one's own methods takes a multi-factor sign-in within the last 10 minutes: sign in again, then go on with --resume"
	hintNone   = "the token shows permission and role: a change of either takes a new token to count, and some minutes; tapsweep check --user tries one user"
	hintClaims = "Graph asks for a stronger sign-in (authentication context): sign in as Conditional Access demands, then go on with --resume"
)

// Hint says which causes a 403 about a user can have.
func (c Caller) Hint(user string) string {
	var parts []string
	if !c.Permitted {
		parts = append(parts, hintPermission)
	}
	if user == input.Me {
		return strings.Join(append(parts, hintOwn), "; ")
	}
	if !c.Privileged {
		parts = append(parts, hintTarget)
		if c.App {
			parts = append(parts, hintAppRole)
		}
	}
	if !c.App {
		parts = append(parts, hintUserRole)
	}
	if len(parts) == 0 {
		return hintNone
	}
	return strings.Join(parts, "; ")
}

// needsClaims tells a 403 that a stronger sign-in would cure: Graph sends it with
// a challenge. Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
func needsClaims(answer *batch.StatusError) bool {
	if strings.EqualFold(answer.Code, "insufficient_claims") {
		return true
	}
	for _, challenge := range answer.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, "insufficient_claims") {
			return true
		}
	}
	return false
}

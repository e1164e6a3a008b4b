package answer

import (
	"errors"
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// ErrAllDenied ends a run that cannot succeed: all answers of Graph so far are 403, so the permission is missing.
var ErrAllDenied = errors.New("everything was denied by Graph")

// A Caller holds the facts of the token that help to explain a 403. Graph answers accessDenied for several causes, and
// its texts are not reliable. The token excludes some of the causes.
// Source: learn.microsoft.com/graph/errors.
type Caller struct {
	App          bool // the token belongs to an app
	Permitted    bool // the token has the permission for any user
	PermittedOwn bool // the token has the permission for the user's own passes
	Privileged   bool // the token shows the role Privileged Authentication Administrator

	// RevokesSessions is set if the token has the permission to revoke sessions.
	RevokesSessions bool

	// Self has the names of the signed-in user, except input.Me.
	Self []string
}

// The causes that a 403 can have, and what to do about each.
// Source: learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions,
// "who can perform sensitive actions"; for one's own methods
// learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
const (
	hintPermission = "the permission may be missing"
	hintTarget     = "the user may hold an admin role, or be in a role-assignable group or a restricted unit: " +
		"that takes Privileged Authentication Administrator"
	hintAppRole  = "assign that role to the app's service principal"
	hintUserRole = "your role may not reach: it takes Authentication Administrator at least, activated, and not " +
		"only for an administrative unit that this user is not in"
	hintOwn = "changing one's own methods takes a multi-factor sign-in within the last 10 minutes: sign in " +
		"again (" + again + ")"
	hintNone   = "the token shows permission and role: a change of either takes a new token to count, and some minutes"
	hintClaims = "Graph asks for a stronger sign-in (authentication context): sign in as Conditional Access " +
		"demands (" + again + ")"

	// again is how to get a new token: the token cache must not be used.
	again = "--sign-in-again, or a new token in the file"
)

// Hint returns the causes that a 403 about a user can have, and what to do about them.
func (c Caller) Hint(user string) string {
	own := user == input.Me || input.IsAmong(user, c.Self)
	var parts []string
	for _, cause := range []struct {
		possible bool
		hint     string
	}{
		{!c.Permitted && !(own && c.PermittedOwn), hintPermission},
		{own, hintOwn},
		{!own && !c.Privileged, hintTarget},
		{!own && !c.Privileged && c.App, hintAppRole},
		{!own && !c.App, hintUserRole},
	} {
		if cause.possible {
			parts = append(parts, cause.hint)
		}
	}
	if len(parts) == 0 {
		return hintNone
	}
	return strings.Join(parts, "; ")
}

// SessionsHint returns the causes that a 403 can have if the request revokes sessions, and what to do about them.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions, and for the role
// learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
func (c Caller) SessionsHint() string {
	switch {
	case !c.RevokesSessions:
		return "the permission User.RevokeSessions.All (77f3a031-c388-4f99-b373-dc68676a979e for an app) may be missing"
	case c.App:
		return "the user may hold an admin role: assign Privileged Authentication Administrator to the app's " +
			"service principal"
	}
	return "your role may not reach: it takes one with microsoft.directory/users/invalidateAllRefreshTokens, such as " +
		"Authentication Administrator, and for users with an admin role Privileged Authentication Administrator"
}

// needsClaims reports whether a 403 asks for a stronger sign-in. Graph sends it with a challenge.
// Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
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

package answer

import (
	"errors"
	"strings"

	"tapsweep/batch"
	"tapsweep/input"
)

// ErrAllDenied ends a run that can only fail: all answers of Graph so far are 403, so the app has no
// permission here.
var ErrAllDenied = errors.New("everything was denied by Graph")

// A Caller is what the token says about who asks Graph to delete. Graph answers accessDenied for
// several causes, and its texts are not reliable. What the token shows excludes some of them.
// Source: learn.microsoft.com/graph/errors.
type Caller struct {
	App          bool // an app's token
	Permitted    bool // the permission for any user is in it
	PermittedOwn bool // so is the one for the user's own passes
	Privileged   bool // it shows Privileged Authentication Administrator

	// RevokesSessions says that the permission to revoke sessions is in it.
	RevokesSessions bool

	// Self are the names of the signed-in user beside input.Me.
	Self []string
}

// What a 403 can mean, and what to do about each cause.
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

	// again is how, since a person whom the store knows is not asked.
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

// SessionsHint returns the causes that a 403 to a call that revokes sessions can have, and what to do
// about them.
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

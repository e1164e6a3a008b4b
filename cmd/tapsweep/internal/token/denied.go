package token

import (
	"slices"
	"strings"
)

// The causes that a 403 can have, and what to do about each. Graph answers accessDenied for several causes, and its
// texts are not reliable. The token excludes some of the causes.
// Source: learn.microsoft.com/graph/errors,
// learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions,
// "who can perform sensitive actions"; for one's own methods
// learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
const (
	hintPermission = "The permission may be missing."
	hintTarget     = "This user may have an administrator role, or be in a role-assignable group or a restricted " +
		"management administrative unit."
	hintAppRole        = "Assign Privileged Authentication Administrator to the app's service principal."
	hintPrivilegedRole = "You then need the role Privileged Authentication Administrator."
	hintUserRole       = "Your role may not cover this user: you need an active role of at least Authentication " +
		"Administrator, which is not limited to an administrative unit without this user."
	hintOwn = "To change your own authentication methods, you need a multi-factor sign-in in the last 10 minutes: " +
		"sign in again (" + again + ")."
	hintNone = "The token has the permission and the role. If you granted either just now, wait some minutes and " +
		"get a new token."

	// HintClaims is for a 403 with a challenge.
	HintClaims = "Graph asks for a stronger sign-in (authentication context). Sign in as Conditional Access " +
		"demands (" + again + ")."

	// again says how to sign in again without the token cache.
	again = "--sign-in-again, or a new token in the file"
)

// Hint returns the causes that a 403 about a user can have, and what to do about them.
func (t *Token) Hint(user string) string {
	own, privileged := t.Is(user), slices.Contains(t.claims.RoleTemplateIDs, rolePrivileged)
	var parts []string
	for _, cause := range []struct {
		possible bool
		hint     string
	}{
		{t.access(deletePasses, own) != Yes, hintPermission},
		{own, hintOwn},
		{!own && !privileged, hintTarget},
		{!own && !privileged && t.Kind == App, hintAppRole},
		{!own && !privileged && t.Kind != App, hintPrivilegedRole},
		{!own && t.Kind != App, hintUserRole},
	} {
		if cause.possible {
			parts = append(parts, cause.hint)
		}
	}
	if len(parts) == 0 {
		return hintNone
	}
	return strings.Join(parts, " ")
}

// SessionsHint returns the causes that a 403 can have if the request revokes sessions, and what to do about them.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions, and for the role
// learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
func (t *Token) SessionsHint() string {
	switch {
	case t.access(revokeSessions, false) != Yes:
		return "The permission User.RevokeSessions.All (77f3a031-c388-4f99-b373-dc68676a979e for an app) may be missing."
	case t.Kind == App:
		return "This user may have an administrator role. Assign Privileged Authentication Administrator to the " +
			"app's service principal."
	}
	return "Your role may not cover this user: you need a role with " +
		"microsoft.directory/users/invalidateAllRefreshTokens, such as Authentication Administrator, or Privileged " +
		"Authentication Administrator for users with an administrator role."
}

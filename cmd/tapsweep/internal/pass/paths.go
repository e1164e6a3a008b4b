// Package pass has the paths of Temporary Access Passes and of sessions in Graph. It also reads the answer to a LIST of
// the passes of a user.
package pass

import (
	"net/url"
	"strings"

	"tapsweep/input"
)

// collection is the path of a user's Temporary Access Passes. Only this typed path works: Graph
// answers 404 to a DELETE below the generic /authentication/methods.
// Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
const collection = "/authentication/temporaryAccessPassMethods"

// The quotas of passes. Graph limits reads and writes separately, so each has its own pace.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
const (
	ReadQuota  = "read"
	WriteQuota = "write"
)

// The quotas of sessions. To revoke sessions is a write to the directory, which is another service than the one for
// passes and has its own limit: 3,000 writes in 150 s for an app in a tenant.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
const (
	SessionQuota = "sessions"
	ProofQuota   = "session proofs" // reads of users
)

// SessionsURL returns the path of the call that revokes a user's sessions.
func SessionsURL(user string) string { return UserURL(user) + "/revokeSignInSessions" }

// ProofURL returns the path and query of the request that shows whether the sessions of a user are revoked. Graph
// returns the property only if it is selected.
// Source: learn.microsoft.com/graph/api/resources/user.
func ProofURL(user string) string {
	return UserURL(user) + "?$select=id,userType,signInSessionsValidFromDateTime"
}

// PassesURL returns the path of a user's passes.
func PassesURL(user string) string { return UserURL(user) + collection }

// PassURL returns the path of one pass of a user.
func PassURL(user, method string) string {
	return UserURL(user) + collection + "/" + url.PathEscape(method)
}

// UserURL returns the path of a user. The name is an object ID, a user principal name or input.Me. The '#' in the
// names of guests is escaped. A name that begins with '$' is not allowed as a path segment. It needs the form with
// parentheses, without a slash and with doubled quotes.
// Source: learn.microsoft.com/graph/api/user-get.
func UserURL(user string) string {
	switch {
	case user == input.Me:
		return "/me"
	case strings.HasPrefix(user, "$"):
		return "/users('" + url.PathEscape(strings.ReplaceAll(user, "'", "''")) + "')"
	}
	return "/users/" + url.PathEscape(user)
}

package revoke

import (
	"net/url"
	"strings"
)

// PassesURL is the collection of a user's Temporary Access Passes. Only this
// typed segment works: a DELETE below the generic /authentication/methods
// answers 404. Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
func PassesURL(user string) string {
	return UserURL(user) + "/authentication/temporaryAccessPassMethods"
}

// PassURL is one pass of a user.
func PassURL(user, method string) string {
	return PassesURL(user) + "/" + url.PathEscape(method)
}

// UserURL names a user by object id or UPN. Guests' UPNs hold a '#', which
// PathEscape takes care of; one that begins with '$' is not allowed as a path
// segment and goes into the key form, without a slash and with quotes doubled.
// Source: learn.microsoft.com/graph/api/user-get.
func UserURL(user string) string {
	if strings.HasPrefix(user, "$") {
		return "/users('" + url.PathEscape(strings.ReplaceAll(user, "'", "''")) + "')"
	}
	return "/users/" + url.PathEscape(user)
}

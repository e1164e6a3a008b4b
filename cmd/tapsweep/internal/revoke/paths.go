package revoke

import (
	"net/url"
	"strings"

	"tapsweep/input"
)

// passes is the collection of a user's Temporary Access Passes. Only this typed
// segment works: a DELETE below the generic /authentication/methods answers 404.
// Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
const passes = "/authentication/temporaryAccessPassMethods"

// PassesURL is the collection of a user's Temporary Access Passes.
func PassesURL(user string) string {
	before, name, after := userPath(user)
	return before + name + after + passes
}

// PassURL is one pass of a user.
func PassURL(user, method string) string {
	before, name, after := userPath(user)
	return before + name + after + passes + "/" + url.PathEscape(method)
}

// UserURL is the user itself.
func UserURL(user string) string {
	before, name, after := userPath(user)
	return before + name + after
}

// userPath names a user by object id or UPN. Guests' UPNs hold a '#', which
// PathEscape takes care of; one that begins with '$' is not allowed as a path
// segment and goes into the key form, without a slash and with quotes doubled.
// Source: learn.microsoft.com/graph/api/user-get.
func userPath(user string) (before, name, after string) {
	if user == input.Me {
		return "/me", "", ""
	}
	if strings.HasPrefix(user, "$") {
		return "/users('", url.PathEscape(strings.ReplaceAll(user, "'", "''")), "')"
	}
	return "/users/", url.PathEscape(user), ""
}

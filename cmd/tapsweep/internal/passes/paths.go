// Package passes knows how Graph names and shows Temporary Access Passes: the
// paths of a user's passes, and what the answer to a LIST of them says.
package passes

import (
	"net/url"
	"strings"

	"tapsweep/input"
)

// collection is where a user's Temporary Access Passes are. Only this typed
// segment works: a DELETE below the generic /authentication/methods answers 404.
// Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
const collection = "/authentication/temporaryAccessPassMethods"

// The quotas of passes. Graph limits reads and writes apart, so each has its own pace.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
const (
	ReadQuota  = "read"
	WriteQuota = "write"
)

// PassesURL is the collection of a user's Temporary Access Passes.
func PassesURL(user string) string {
	before, name, after := userPath(user)
	return before + name + after + collection
}

// PassURL is one pass of a user.
func PassURL(user, method string) string {
	before, name, after := userPath(user)
	return before + name + after + collection + "/" + url.PathEscape(method)
}

// UserURL is the user itself, by object id, by UPN, or input.Me. Guests' UPNs hold
// a '#', which PathEscape takes care of; one that begins with '$' is not allowed as
// a path segment and goes into the key form, without a slash and with quotes
// doubled. Source: learn.microsoft.com/graph/api/user-get.
func UserURL(user string) string {
	before, name, after := userPath(user)
	return before + name + after
}

// userPath is UserURL in parts, to be joined once.
func userPath(user string) (before, name, after string) {
	switch {
	case user == input.Me:
		return "/me", "", ""
	case strings.HasPrefix(user, "$"):
		return "/users('", url.PathEscape(strings.ReplaceAll(user, "'", "''")), "')"
	}
	return "/users/", url.PathEscape(user), ""
}

package graphsim

import (
	"net/url"
	"strings"
)

// resource is the kind of thing that a path names.
type resource int

const (
	resBad          resource = iota // nothing; see route.problem
	resUsers                        // /users
	resUser                         // /users/{user}
	resPasses                       // /users/{user}/authentication/temporaryAccessPassMethods
	resPass                         // …/{pass}
	resSessions                     // /users/{user}/revokeSignInSessions
	resGroup                        // /groups/{group}
	resMembers                      // /groups/{group}/transitiveMembers/microsoft.graph.user
	resAudits                       // /auditLogs/directoryAudits
	resOrganization                 // /organization
	resReport                       // /reports/authenticationMethods/userRegistrationDetails
)

// patterns are the paths that the tenant knows. {user}, {pass} and {group} stand for
// one segment each. The case of the others does not matter, because Microsoft's own pages
// write some segments in two ways. /me is also a user.
// Source: learn.microsoft.com/graph/api/directoryaudit-list,
// learn.microsoft.com/graph/api/group-list-transitivemembers.
var patterns = []struct {
	resource resource
	path     []string
}{
	{resUsers, pattern("users")},
	{resUser, pattern("users/{user}")},
	{resSessions, pattern("users/{user}/revokeSignInSessions")},
	{resPasses, pattern("users/{user}/authentication/temporaryAccessPassMethods")},
	{resPass, pattern("users/{user}/authentication/temporaryAccessPassMethods/{pass}")},
	{resGroup, pattern("groups/{group}")},
	{resMembers, pattern("groups/{group}/transitiveMembers/microsoft.graph.user")},
	{resAudits, pattern("auditLogs/directoryAudits")},
	{resOrganization, pattern("organization")},
	{resReport, pattern("reports/authenticationMethods/userRegistrationDetails")},
}

func pattern(path string) []string { return strings.Split(path, "/") }

// route is a path that was read: its resource and the names in it.
type route struct {
	resource          resource
	isMe              bool
	user, pass, group string

	status  int // the status of the answer with problem
	problem string
}

// isWrite reports whether a request changes the authentication methods of a user.
func (r *route) isWrite(method string) bool {
	return (r.resource == resPasses || r.resource == resPass) && !isRead(method)
}

// parsePath returns the route of a path below the version. It decodes each segment exactly
// once and normalises nothing: in Graph, a dot segment, an empty segment or an encoded
// slash names nothing, and a client must not rely on one.
func parsePath(path string) route {
	segments, problem := splitPath(path)
	if problem != "" {
		return route{status: 400, problem: problem}
	}
	isMe := segments[0] == "me"
	if isMe {
		segments = append([]string{"users"}, segments...)
	}
	for i := range patterns {
		r := route{resource: patterns[i].resource, isMe: isMe}
		if r.matches(patterns[i].path, segments) {
			return r
		}
	}
	return route{status: 404, problem: "Resource not found for the segment '" + segments[len(segments)-1] + "'."}
}

// matches reports whether segments fit a pattern, and stores the names in them.
func (r *route) matches(pattern, segments []string) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, want := range pattern {
		switch got := segments[i]; {
		case want == "{user}":
			r.user = got
		case want == "{pass}":
			r.pass = got
		case want == "{group}":
			r.group = got
		case !strings.EqualFold(got, want):
			return false
		}
	}
	return true
}

// splitPath returns the decoded segments of a path. A key in parentheses and quotes is a
// separate segment: users('x') is the same as users/x. A quote in a key is doubled.
// Source: learn.microsoft.com/graph/api/user-get.
func splitPath(path string) (segments []string, problem string) {
	for raw := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		segment, err := url.PathUnescape(raw)
		if err != nil {
			return nil, "Bad Request - Invalid URL: malformed percent-encoding."
		}
		if segment == "" || segment == "." || segment == ".." || strings.ContainsAny(segment, "/\\") {
			return nil, "Bad Request - Invalid URL: the segment '" + segment + "' names no resource."
		}
		name, key, isKey := strings.Cut(strings.TrimSuffix(segment, "')"), "('")
		if isKey && name != "" && strings.HasSuffix(segment, "')") {
			segments = append(segments, name, strings.ReplaceAll(key, "''", "'"))
			continue
		}
		if len(segments) == 1 && segments[0] == "users" && segment[0] == '$' {
			return nil, "A user principal name that begins with '$' needs the form users('…')."
		}
		segments = append(segments, segment)
	}
	return segments, ""
}

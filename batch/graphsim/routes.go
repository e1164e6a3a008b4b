package graphsim

import (
	"net/url"
	"strings"
)

// resource is what a path names.
type resource int

const (
	resBad         resource = iota // a path that names nothing; see route.problem
	resUsers                       // /users
	resUser                        // /users/{user}
	resPasses                      // /users/{user}/authentication/temporaryAccessPassMethods
	resPass                        // …/{pass}
	resSessions                    // /users/{user}/revokeSignInSessions
	resMethods                     // /users/{user}/authentication/methods/{pass}
	resGroup                       // /groups/{group}
	resMembers                     // /groups/{group}/transitiveMembers
	resMemberUsers                 // …/microsoft.graph.user
	resAudits                      // /auditLogs/directoryAudits
	resReport                      // /reports/authenticationMethods/userRegistrationDetails
)

// route is a path taken apart.
type route struct {
	resource   resource
	me         bool
	user, pass string
	group      string

	status  int // of problem
	problem string
}

// writes tells whether a request changes the authentication methods of a user.
func (r *route) writes(method string) bool {
	return (r.resource == resPasses || r.resource == resPass) && method != "GET" && method != "HEAD"
}

func badRoute(status int, problem string) route {
	return route{status: status, problem: problem}
}

// parsePath takes a path below the version apart. Each segment is percent-decoded
// exactly once, and nothing is normalised: a dot segment, an empty segment or an
// encoded slash names nothing in Graph, and a client must not rely on one.
func parsePath(path string) route {
	var segs [8]string
	n := 0
	rest, more := strings.TrimPrefix(path, "/"), true
	for more {
		var seg string
		seg, rest, more = strings.Cut(rest, "/")
		if strings.Contains(seg, "%") {
			decoded, err := url.PathUnescape(seg)
			if err != nil {
				return badRoute(400, "Bad Request - Invalid URL: malformed percent-encoding.")
			}
			seg = decoded
		}
		if seg == "" || seg == "." || seg == ".." || strings.ContainsAny(seg, "/\\") {
			return badRoute(400, "Bad Request - Invalid URL: the segment '"+seg+"' names no resource.")
		}
		// users('o''neil@contoso.example') is the same as users/o'neil@contoso.example.
		// Source: learn.microsoft.com/graph/api/user-get.
		name, key, keyed := strings.Cut(seg, "('")
		keyed = keyed && name != "" && strings.HasSuffix(key, "')")
		if !keyed && n == 1 && segs[0] == "users" && seg[0] == '$' {
			return badRoute(400, "A user principal name that begins with '$' needs the form users('…').")
		}
		if n+2 > len(segs) {
			return badRoute(404, "Resource not found for the segment '"+seg+"'.")
		}
		if !keyed {
			segs[n] = seg
			n++
			continue
		}
		segs[n], segs[n+1] = name, strings.ReplaceAll(strings.TrimSuffix(key, "')"), "''", "'")
		n += 2
	}

	var r route
	at := 0
	switch {
	case segs[0] == "users" && n == 1:
		r.resource = resUsers
		return r
	case segs[0] == "users":
		r.user, at = segs[1], 2
	case segs[0] == "me":
		r.me, at = true, 1
	default:
		return parseOther(segs[:n])
	}
	switch left := segs[at:n]; {
	case len(left) == 0:
		r.resource = resUser
	case len(left) == 1 && left[0] == "revokeSignInSessions":
		r.resource = resSessions
	case len(left) == 2 && left[0] == "authentication" && left[1] == "temporaryAccessPassMethods":
		r.resource = resPasses
	case len(left) == 3 && left[0] == "authentication" && left[1] == "temporaryAccessPassMethods":
		r.resource, r.pass = resPass, left[2]
	case len(left) == 3 && left[0] == "authentication" && left[1] == "methods":
		r.resource, r.pass = resMethods, left[2]
	default:
		return badRoute(404, "Resource not found for the segment '"+left[len(left)-1]+"'.")
	}
	return r
}

// parseOther takes the paths apart that are not about one user. Pages of Microsoft's
// own write some of these segments in two ways.
// Source: learn.microsoft.com/graph/api/directoryaudit-list,
// learn.microsoft.com/graph/api/group-list-transitivemembers.
func parseOther(segs []string) (r route) {
	n := len(segs)
	switch {
	case segs[0] == "groups" && n == 2:
		r.resource, r.group = resGroup, segs[1]
	case segs[0] == "groups" && n == 3 && strings.EqualFold(segs[2], "transitiveMembers"):
		r.resource, r.group = resMembers, segs[1]
	case segs[0] == "groups" && n == 4 && strings.EqualFold(segs[2], "transitiveMembers") && segs[3] == "microsoft.graph.user":
		r.resource, r.group = resMemberUsers, segs[1]
	case segs[0] == "auditLogs" && n == 2 && strings.EqualFold(segs[1], "directoryAudits"):
		r.resource = resAudits
	case segs[0] == "reports" && n == 3 && segs[1] == "authenticationMethods" && segs[2] == "userRegistrationDetails":
		r.resource = resReport
	default:
		return badRoute(404, "Resource not found for the segment '"+segs[n-1]+"'.")
	}
	return r
}

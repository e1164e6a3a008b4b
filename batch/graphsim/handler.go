package graphsim

import (
	"slices"
	"time"
)

// allowedMethods are the HTTP methods that a resource allows besides GET.
var allowedMethods = map[resource][]string{
	resSessions: {"POST"},
	resPasses:   {"GET", "POST"},
	resPass:     {"GET", "DELETE"},
	resMethods:  {"GET", "DELETE"},
}

func isAllowed(r resource, method string) bool {
	if allowed, ok := allowedMethods[r]; ok {
		return slices.Contains(allowed, method)
	}
	return method == "GET"
}

// handle carries one request out. Called with mu held.
func (t *Tenant) handle(c *call, now time.Time) answer {
	r := &c.route
	switch {
	case r.resource == resBad:
		return t.fail(c, r.status, "BadRequest", r.problem)
	case !isAllowed(r.resource, c.Method):
		return t.fail(c, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	case r.isMe && !c.who.IsUser():
		return t.fail(c, 400, "BadRequest", "/me request is only valid with delegated authentication flow.")
	case r.isMe:
		r.user = c.who.UserID
	}
	u := t.find(r.user)
	if c.who.allowedOn(u)&needed(r.resource, c.Method) == 0 {
		return t.forbidden(c)
	}
	switch r.resource {
	case resUsers:
		return t.listUsers(c)
	case resGroup, resMembers, resMemberUsers:
		return t.handleGroup(c)
	case resAudits:
		return t.listAudits(c, now)
	case resReport:
		return t.listRegistrations(c, now)
	}
	if u == nil {
		return t.notFound(c, r.user)
	}
	return t.handleUser(c, u, now)
}

// handleUser answers requests for one user.
func (t *Tenant) handleUser(c *call, u *user, now time.Time) answer {
	switch c.route.resource {
	case resUser:
		return t.getUser(c, u)
	case resSessions:
		return jsonAnswer(200, map[string]any{"@odata.context": c.root + "/$metadata#Edm.Boolean", "value": true})
	case resMethods:
		// The generic path is in the metadata and never works. The text shows which
		// service answers. Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
		return t.fail(c, 404, "ResourceNotFound", "No HTTP resource was found that matches the request URI "+
			"'https://mface.windowsazure.com/odata/users('"+u.ID+"@"+t.Entra.Options().TenantID+
			"')/authentication/methods('"+c.route.pass+"')'.")
	}
	return t.handlePasses(c, u, now)
}

package graphsim

import (
	"net/http"
	"time"

	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
)

// endpoints has the HTTP methods that a resource allows, with the permission that each needs, and the function that
// answers them.
var endpoints = map[resource]struct {
	methods map[string]rights
	answer  func(*Tenant, *call) callAnswer
}{
	resUsers:        {map[string]rights{"GET": readUsers}, (*Tenant).listUsers},
	resUser:         {map[string]rights{"GET": readUsers}, (*Tenant).getUser},
	resPasses:       {map[string]rights{"GET": readPasses}, (*Tenant).handlePasses},
	resPass:         {map[string]rights{"GET": readPasses, "DELETE": writePasses}, (*Tenant).handlePasses},
	resSessions:     {map[string]rights{"POST": revokeSessions}, (*Tenant).revokeSessions},
	resGroup:        {map[string]rights{"GET": readGroups}, (*Tenant).handleGroup},
	resMembers:      {map[string]rights{"GET": readGroups}, (*Tenant).handleGroup},
	resAudits:       {map[string]rights{"GET": readAudits}, (*Tenant).listAudits},
	resReport:       {map[string]rights{"GET": readReport}, (*Tenant).listRegistrations},
	resOrganization: {map[string]rights{"GET": readOrganization}, (*Tenant).getOrganization},
}

// handle carries out one request. It is called with mu held, like the functions in endpoints.
func (t *Tenant) handle(c *call, now time.Time) callAnswer {
	r, endpoint := &c.route, endpoints[c.route.resource]
	needed, isAllowed := endpoint.methods[c.Method]
	switch {
	case r.resource == resBad:
		return t.fail(c, r.status, "BadRequest", r.problem)
	case !isAllowed:
		return t.fail(c, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	case r.isMe && !c.who.IsUser():
		return t.fail(c, 400, "BadRequest", "/me request is only valid with delegated authentication flow.")
	case r.isMe:
		r.user = c.who.UserID
	}
	c.user, c.now = t.find(r.user), now
	switch {
	case c.who.allowedOn(c.user)&needed == 0:
		return t.forbidden(c)
	case c.user == nil && r.user != "":
		return t.notFound(c, r.user)
	}
	return endpoint.answer(t, c)
}

// call is one request, inside or outside a batch.
type call struct {
	fault.Request
	query  string
	route  route
	header http.Header // nil for none
	body   []byte
	root   string // the beginning of absolute URLs in the answer
	who    *principal

	// Of a call that is carried out.
	user *storedUser // nil if the path names none
	now  time.Time
}

// callAnswer is the answer to a call, inside or outside a batch.
type callAnswer struct {
	status int
	header []string // names and values in turn
	body   any      // nil for none
	done   bool     // the call changed something
}

func jsonAnswer(status int, body any) callAnswer {
	return callAnswer{status: status, header: []string{"Content-Type", wire.JSONType}, body: body}
}

// fail returns an error answer. Called with mu held, like all below.
// Source: learn.microsoft.com/graph/errors; learn.microsoft.com/graph/json-batching.
func (t *Tenant) fail(c *call, status int, code, message string) callAnswer {
	return jsonAnswer(status, wire.NewError(code, message, t.variety.NewID(), c.header.Get("client-request-id")))
}

func (t *Tenant) notFound(c *call, id string) callAnswer {
	return t.fail(c, 404, "Request_ResourceNotFound", "Resource '"+id+
		"' does not exist or one of its queried reference-property objects are not present.")
}

// forbidden returns the answer to a caller without the permission. Each service has its own error.
func (t *Tenant) forbidden(c *call) callAnswer {
	switch c.route.resource {
	case resPasses, resPass:
		return t.fail(c, 403, "accessDenied", "Request Authorization failed")
	case resAudits, resReport:
		// Source: microsoftgraph/microsoft-graph-docs-contrib#8997.
		return t.fail(c, 403, "Authentication_MSGraphPermissionMissing",
			"Calling principal does not have required MSGraph permissions AuditLog.Read.All")
	}
	return t.fail(c, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

// throttled returns the answer to a request that a limit refused.
// Source: learn.microsoft.com/graph/throttling.
func (t *Tenant) throttled(retryAfter string) callAnswer {
	body := wire.NewError("TooManyRequests", "Too Many Requests", t.variety.NewID(), "")
	body.Error.Inner.Code, body.Error.Inner.Message, body.Error.Inner.Status = "429", "Please retry after", "429"
	a := jsonAnswer(429, body)
	if retryAfter != "" {
		a.header = append(a.header, "Retry-After", retryAfter)
	}
	return a
}

// inBatch returns an answer as a response in a batch. Graph sometimes leaves out the body or
// the headers of a 204. inBatch does the same.
func (t *Tenant) inBatch(id string, a *callAnswer) wire.Item {
	form := t.variety.Turn(6)
	item := wire.Item{ID: id, Status: a.status, Headers: wire.Headers(a.header, form%3), Body: a.body}
	if a.body == nil && form%2 == 0 {
		item.Body = wire.Null
	}
	return item
}

// byItself returns an answer as an HTTP response.
func (t *Tenant) byItself(a callAnswer) wire.HTTPResponse {
	id := t.variety.NewID()
	header := make(http.Header, 2+len(a.header)/2)
	header.Set("Request-Id", id)
	header.Set("Client-Request-Id", id)
	for i := 0; i < len(a.header); i += 2 {
		header.Set(a.header[i], a.header[i+1])
	}
	r := wire.HTTPResponse{Status: a.status, Header: header}
	if a.body != nil {
		r.Body = wire.Marshal(a.body)
	}
	return r
}

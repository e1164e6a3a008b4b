package graphsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// perform carries one request out. Called with mu held.
func (t *Tenant) perform(c *call, now time.Time) answer {
	r := &c.route
	if r.resource == resBad {
		return t.fail(c, r.status, "BadRequest", r.problem)
	}
	if !allows(r.resource, c.method) {
		return t.fail(c, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
	}
	if r.me && !c.who.delegated {
		return t.fail(c, 400, "BadRequest", "/me request is only valid with delegated authentication flow.")
	}

	if r.me {
		r.user = c.who.oid
	}
	var u *user
	if r.user != "" {
		u = t.find(r.user)
	}
	if may := c.who.mayDo(u); may&needed(r.resource, c.method) == 0 {
		return t.forbidden(c)
	}
	switch r.resource {
	case resUsers:
		return t.listUsers(c)
	case resGroup, resMembers, resMemberUsers:
		return t.performOnGroup(c)
	case resAudits:
		return t.listAudits(c, now)
	case resReport:
		return t.listRegistrations(c, now)
	}
	if u == nil {
		return t.notFound(c, r.user)
	}
	switch r.resource {
	case resUser:
		return jsonAnswer(200, t.userJSON(c, u))
	case resSessions:
		return jsonAnswer(200, []byte(`{"@odata.context":"`+c.root+`/$metadata#Edm.Boolean","value":true}`))
	case resMethods:
		// The generic path is in the metadata and never works; the text gives away
		// who answers. Source: microsoftgraph/microsoft-graph-docs-contrib#1267.
		return t.fail(c, 404, "ResourceNotFound", "No HTTP resource was found that matches the request URI "+
			"'https://mface.windowsazure.com/odata/users('"+u.ID+"@"+t.opts.TenantID+"')/authentication/methods('"+r.pass+"')'.")
	}
	return t.performOnPasses(c, u, now)
}

func (t *Tenant) notFound(c *call, id string) answer {
	return t.fail(c, 404, "Request_ResourceNotFound", "Resource '"+id+
		"' does not exist or one of its queried reference-property objects are not present.")
}

// forbidden is the answer to a caller without the permission; each service has its own.
func (t *Tenant) forbidden(c *call) answer {
	switch c.route.resource {
	case resPasses, resPass, resMethods:
		return t.fail(c, 403, "accessDenied", "Request Authorization failed")
	case resAudits, resReport:
		// Source: microsoftgraph/microsoft-graph-docs-contrib#8997.
		return t.fail(c, 403, "Authentication_MSGraphPermissionMissing",
			"Calling principal does not have required MSGraph permissions AuditLog.Read.All")
	}
	return t.fail(c, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

func (t *Tenant) performOnPasses(c *call, u *user, now time.Time) answer {
	r := &c.route
	if u.Privileged {
		// Source: microsoftgraph/msgraph-sdk-powershell#550.
		return t.fail(c, 403, "accessDenied", "Request Authorization failed")
	}
	if strings.Contains(c.query, "$count") || strings.Contains(c.query, "%24count") {
		// Source: microsoftgraph/msgraph-metadata#648.
		return t.fail(c, 400, "BadRequest", "The query specified in the URI is not valid: $count is not supported.")
	}
	if c.method != "GET" && c.batch > 0 && !c.serial {
		// Writes to the methods of one user that Graph runs at the same time get in
		// each other's way: all are answered as done, and only one is.
		// Source: KelvinTegelaar/CIPP-API PR#1938; KelvinTegelaar/CIPP#3902.
		if u.hold().wroteSeq == c.batch && c.method == "DELETE" {
			t.stats.LostWrites++
			return answer{status: 204}
		}
		u.held.wroteSeq = c.batch
	}

	i := -1
	if r.resource == resPass {
		i = u.pass(r.pass)
	}
	switch {
	case r.resource == resPasses && c.method == "POST":
		return t.createPass(c, u, now)
	case r.resource == resPasses:
		return t.listPasses(c, u, now)
	case c.method == "GET":
		if i >= 0 {
			return jsonAnswer(200, t.appendPass(nil, &u.held.passes[i], now, c.root, ""))
		}
		for _, p := range u.listed(now) {
			if strings.EqualFold(p.ID, r.pass) {
				return jsonAnswer(200, t.appendPass(nil, p, now, c.root, ""))
			}
		}
		return t.noPass(c)
	case i < 0:
		return t.noPass(c)
	}
	t.removePass(c, u, i, now)
	return answer{status: 204, done: true}
}

// noPass answers for a pass that is not there, in the two ways in turn. Nobody has
// published the true body for this path, so a client may rely on neither.
func (t *Tenant) noPass(c *call) answer {
	if t.nonce++; t.nonce%2 == 0 {
		return t.fail(c, 404, "UnknownError", "")
	}
	return t.fail(c, 404, "resourceNotFound", "The requested resource could not be found.")
}

func (t *Tenant) listPasses(c *call, u *user, now time.Time) answer {
	t.stats.Lists++
	b := make([]byte, 0, 512)
	b = append(b, `{"@odata.context":"`...)
	b = append(b, c.root...)
	b = append(b, `/$metadata#users('`...)
	b = append(b, u.ID...)
	b = append(b, `')/authentication/temporaryAccessPassMethods","value":[`...)
	for i, p := range u.listed(now) {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.appendPass(b, p, now, "", "")
	}
	return jsonAnswer(200, append(b, "]}"...))
}

// times holds the forms of a timestamp; fractions have up to seven digits.
var times = [...]string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.0000000Z", "2006-01-02T15:04:05.999999Z"}

// appendPass appends a pass as LIST and GET show it. The secret is shown only in
// the answer to POST. A root adds the context that a single object has.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod.
func (t *Tenant) appendPass(b []byte, p *Pass, now time.Time, root, secret string) []byte {
	form := times[int(p.ID[0])%len(times)]
	reason := p.reason(now)
	b = append(b, '{')
	if root != "" {
		b = append(b, `"@odata.context":"`...)
		b = append(b, root...)
		b = append(b, `/$metadata#temporaryAccessPassAuthenticationMethod","`...)
	} else {
		b = append(b, '"')
	}
	b = append(b, `id":`...)
	b = appendString(b, p.ID)
	b = append(b, `,"temporaryAccessPass":`...)
	if secret == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, secret)
	}
	b = append(b, `,"createdDateTime":"`...)
	b = p.Created.UTC().AppendFormat(b, form)
	b = append(b, `","startDateTime":"`...)
	b = p.Start.UTC().AppendFormat(b, form)
	b = append(b, `","lifetimeInMinutes":`...)
	b = strconv.AppendInt(b, int64(p.LifetimeMinutes), 10)
	b = append(b, `,"isUsableOnce":`...)
	b = strconv.AppendBool(b, p.UsableOnce)
	if t.opts.OmitReason && p.Reason == "" {
		return append(b, `,"methodUsabilityReason":null}`...)
	}
	b = append(b, `,"isUsable":`...)
	b = strconv.AppendBool(b, reason == "EnabledByPolicy")
	b = append(b, `,"methodUsabilityReason":`...)
	b = appendString(b, reason)
	return append(b, '}')
}

func (p *Pass) reason(now time.Time) string {
	switch {
	case p.Reason != "":
		return p.Reason
	case now.Before(p.Start):
		return "NotYetValid"
	case !now.Before(p.Start.Add(time.Duration(p.LifetimeMinutes) * time.Minute)):
		return "Expired"
	}
	return "EnabledByPolicy"
}

// createPass replaces the pass a user has, as documented for POST.
// Source: learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods.
func (t *Tenant) createPass(c *call, u *user, now time.Time) answer {
	var in struct {
		StartDateTime     time.Time
		LifetimeInMinutes *int
		IsUsableOnce      bool
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return t.fail(c, 400, "BadRequest", "Unable to read JSON request payload.")
	}
	p := Pass{Start: in.StartDateTime, UsableOnce: in.IsUsableOnce, CreatedBy: t.actor(c.who)}
	if in.LifetimeInMinutes != nil {
		if p.LifetimeMinutes = *in.LifetimeInMinutes; p.LifetimeMinutes < 10 || p.LifetimeMinutes > 43200 {
			return t.fail(c, 400, "badRequest", "The lifetime is outside of what the policy allows.")
		}
	}
	if u.Guest {
		return t.fail(c, 400, "badRequest", "Temporary Access Pass cannot be added to an external guest user.")
	}
	a := jsonAnswer(201, t.appendPass(nil, t.give(u, p, now), now, c.root, string(t.newID()[:8])))
	a.done = true
	return a
}

func allows(r resource, method string) bool {
	switch r {
	case resSessions:
		return method == "POST"
	case resPasses:
		return method == "GET" || method == "POST"
	case resPass:
		return method == "GET" || method == "DELETE"
	case resMethods:
		return method == "DELETE" || method == "GET"
	}
	return method == "GET"
}

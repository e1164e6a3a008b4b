package graphsim

import (
	"slices"
	"strings"
	"time"
)

// handlePasses answers requests for the passes of a user. It is called with mu
// held, like all functions below.
func (t *Tenant) handlePasses(c *call) callAnswer {
	if c.user.Privileged {
		// Source: microsoftgraph/msgraph-sdk-powershell#550.
		return t.forbidden(c)
	}
	if strings.Contains(c.query, "$count") || strings.Contains(c.query, "%24count") {
		// Source: microsoftgraph/msgraph-metadata#648.
		return t.fail(c, 400, "BadRequest", "The query specified in the URI is not valid: $count is not supported.")
	}
	if t.isLostWrite(c) {
		t.stats.LostWrites++
		return callAnswer{status: 204}
	}
	switch {
	case c.route.resource == resPasses:
		return t.listPasses(c)
	case c.Method == "GET":
		return t.getPass(c)
	}
	i := c.user.passIndex(c.route.pass)
	if i < 0 {
		return t.noPass(c)
	}
	t.deletePass(c, i)
	return callAnswer{status: 204, done: true}
}

// isLostWrite reports whether a DELETE has no effect because it follows another write
// for the same user in its batch. Graph runs the writes to the methods of one user at the
// same time, and they interfere: it answers all with success, but only one takes effect.
// Source: KelvinTegelaar/CIPP-API PR#1938; KelvinTegelaar/CIPP#3902.
func (t *Tenant) isLostWrite(c *call) bool {
	if c.Method == "GET" || c.Batch == 0 {
		return false
	}
	state := c.user.keep()
	isSecond := state.writtenBatch == c.Batch
	state.writtenBatch = c.Batch
	return isSecond
}

// noPass returns the answer for a pass that does not exist. It alternates between two
// forms. The true body for this path is not documented, so a client must accept both.
func (t *Tenant) noPass(c *call) callAnswer {
	if t.variety.Turn(2) == 0 {
		return t.fail(c, 404, "UnknownError", "")
	}
	return t.fail(c, 404, "resourceNotFound", "The requested resource could not be found.")
}

func (t *Tenant) getPass(c *call) callAnswer {
	listed := c.user.listed(c.now)
	i := slices.IndexFunc(listed, func(p *Pass) bool { return strings.EqualFold(p.ID, c.route.pass) })
	if i < 0 {
		return t.noPass(c)
	}
	s := t.shown(listed[i], c.now)
	s.Context = c.root + "/$metadata#temporaryAccessPassAuthenticationMethod"
	return jsonAnswer(200, s)
}

func (t *Tenant) listPasses(c *call) callAnswer {
	t.stats.Lists++
	list := collectionPage{Value: []any{},
		Context: c.root + "/$metadata#users('" + c.user.ID + "')/authentication/temporaryAccessPassMethods"}
	for _, p := range c.user.listed(c.now) {
		list.Value = append(list.Value, t.shown(p, c.now))
	}
	return jsonAnswer(200, list)
}

// shownPass is a pass as Graph shows it.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod.
type shownPass struct {
	Context    string `json:"@odata.context,omitempty"`
	ID         string `json:"id"`
	Secret     any    `json:"temporaryAccessPass"` // null
	Created    string `json:"createdDateTime"`
	Start      string `json:"startDateTime"`
	Lifetime   int    `json:"lifetimeInMinutes"`
	UsableOnce bool   `json:"isUsableOnce"`
	Usable     any    `json:"isUsable,omitempty"`    // a bool
	Reason     any    `json:"methodUsabilityReason"` // a string or null
}

// timeForms are the forms of a timestamp. Fractions have up to seven digits.
var timeForms = [...]string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.0000000Z", "2006-01-02T15:04:05.999999Z"}

func (t *Tenant) shown(p *Pass, now time.Time) shownPass {
	form := timeForms[int(p.ID[0])%len(timeForms)]
	s := shownPass{ID: p.ID, Created: p.Created.UTC().Format(form), Start: p.Start.UTC().Format(form),
		Lifetime: p.LifetimeMinutes, UsableOnce: p.UsableOnce}
	if !t.opts.OmitReason || p.Reason != "" {
		reason := p.reason(now)
		s.Usable, s.Reason = reason == "EnabledByPolicy", reason
	}
	return s
}

func (p *Pass) end() time.Time { return p.Start.Add(time.Duration(p.LifetimeMinutes) * time.Minute) }

func (p *Pass) reason(now time.Time) string {
	switch {
	case p.Reason != "":
		return p.Reason
	case now.Before(p.Start):
		return "NotYetValid"
	case !now.Before(p.end()):
		return "Expired"
	}
	return "EnabledByPolicy"
}

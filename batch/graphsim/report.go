package graphsim

import (
	"strings"
	"time"
)

// reportAge is how old the report may be: it is made anew at full multiples of it.
// Only "hours" is known.
const reportAge = 6 * time.Hour

// listRegistrations answers GET /reports/authenticationMethods/userRegistrationDetails.
// It does not tell who has a pass: nobody has published whether the true one does.
// Source: learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails.
// Called with mu held.
func (t *Tenant) listRegistrations(c *call, now time.Time) answer {
	if t.opts.Unlicensed {
		// Source: microsoftgraph/microsoft-graph-docs-contrib#8777.
		return t.fail(c, 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
			"Neither tenant is B2C or tenant doesn't have premium license")
	}
	q, refused := t.readQuery(c, "$filter")
	if refused != nil {
		return *refused
	}
	r := run{end: len(t.order), step: 1}
	if q.Has("$filter") {
		f, ok := parseFilter(q.Get("$filter"))
		if !ok || len(f) != 1 || f[0].property != "isAdmin" || f[0].op != "eq" || f[0].quoted || f[0].value != "true" {
			return t.badFilter(c)
		}
		r.keep = func(i int) bool { return t.order[i].isAdmin() }
	}
	made := now.UTC().Truncate(reportAge)
	var selected map[string]bool
	if q.Get("$select") != "" {
		selected = map[string]bool{}
		for name := range strings.SplitSeq(q.Get("$select"), ",") {
			selected[strings.TrimSpace(name)] = true
		}
	}
	r.put = func(b []byte, i int) []byte { return appendRegistration(b, t.order[i], selected, made) }
	return t.page(c, &q, "reports/authenticationMethods/userRegistrationDetails", r)
}

func (u *user) isAdmin() bool { return u.Admin || u.Privileged }

// appendRegistration appends what the report has on a user. A nil selected is all.
func appendRegistration(b []byte, u *user, selected map[string]bool, made time.Time) []byte {
	userType := "member" // an enumeration here, in lower case
	if u.Guest {
		userType = "guest"
	}
	admin := "false"
	if u.isAdmin() {
		admin = "true"
	}
	b = append(b, '{')
	for _, p := range [...]struct{ name, text, raw string }{
		{name: "id", text: u.ID}, {name: "userPrincipalName", text: u.UPN}, {name: "userDisplayName", text: u.UPN},
		{name: "userType", text: userType}, {name: "isAdmin", raw: admin},
		{name: "methodsRegistered", raw: `["microsoftAuthenticatorPush","softwareOneTimePasscode"]`},
		{name: "lastUpdatedDateTime", text: made.Format(times[1])},
	} {
		if selected != nil && !selected[p.name] {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(appendString(b, p.name), ':')
		if p.raw != "" {
			b = append(b, p.raw...)
		} else {
			b = appendString(b, p.text)
		}
	}
	return append(b, '}')
}

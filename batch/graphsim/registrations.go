package graphsim

import "time"

// reportAge is how old the report of registrations gets: it is made anew at full
// multiples of this. Graph documents no figure, only "hours".
const reportAge = 6 * time.Hour

// registration is what the report of registrations says about a user. Empty properties
// are left out.
type registration struct {
	ID       string   `json:"id,omitempty"`
	UPN      string   `json:"userPrincipalName,omitempty"`
	Name     string   `json:"userDisplayName,omitempty"`
	UserType string   `json:"userType,omitempty"` // an enumeration, in lower case here
	Admin    any      `json:"isAdmin,omitempty"`  // a bool
	Methods  []string `json:"methodsRegistered,omitempty"`
	Updated  string   `json:"lastUpdatedDateTime,omitempty"`
}

// listRegistrations answers GET /reports/authenticationMethods/userRegistrationDetails.
// It does not say who has a pass, because nobody has published whether Graph does.
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
	users := collection{end: len(t.users), step: 1}
	if q.Has("$filter") {
		f, ok := parseFilter(q.Get("$filter"))
		if !ok || len(f) != 1 || f[0] != (condition{property: "isAdmin", op: "eq", value: "true"}) {
			return t.badFilter(c)
		}
		users.keep = func(i int) bool { return t.users[i].isAdmin() }
	}
	s, updated := newSelection(q.Get("$select")), now.UTC().Truncate(reportAge).Format(timeForms[1])
	users.item = func(i int) any { return s.registration(t.users[i], updated) }
	return t.page(c, &q, "reports/authenticationMethods/userRegistrationDetails", users)
}

func (u *user) isAdmin() bool { return u.Admin || u.Privileged }

func (s *selection) registration(u *user, updated string) registration {
	userType := "member"
	if u.Guest {
		userType = "guest"
	}
	r := registration{ID: s.text("id", u.ID), UPN: s.text("userPrincipalName", u.UPN),
		Name: s.text("userDisplayName", u.UPN), UserType: s.text("userType", userType),
		Updated: s.text("lastUpdatedDateTime", updated)}
	if s.has("isAdmin") {
		r.Admin = u.isAdmin()
	}
	if s.has("methodsRegistered") {
		r.Methods = []string{"microsoftAuthenticatorPush", "softwareOneTimePasscode"}
	}
	return r
}

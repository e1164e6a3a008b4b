package graphsim

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// directoryObject is a user or a group as Graph shows it. Empty properties are left out.
type directoryObject struct {
	Context    string `json:"@odata.context,omitempty"`
	Type       string `json:"@odata.type,omitempty"`
	ID         string `json:"id,omitempty"`
	UPN        string `json:"userPrincipalName,omitempty"`
	Name       string `json:"displayName,omitempty"`
	UserType   string `json:"userType,omitempty"`
	Enabled    any    `json:"accountEnabled,omitempty"` // a bool or null
	Department any    `json:"department,omitempty"`     // a string or null
	Admin      any    `json:"isAdmin,omitempty"`        // a bool, in the report of registrations only

	SessionsFrom any `json:"signInSessionsValidFromDateTime,omitempty"` // a time or null
}

// selection has the properties that a caller asks for and may see.
type selection struct {
	names        map[string]bool // nil for the default properties
	idOnly       bool            // the caller may not read users
	hidesEnabled bool
}

func newSelection(list string) selection {
	var s selection
	if list != "" {
		s.names = make(map[string]bool)
		for name := range strings.SplitSeq(list, ",") {
			s.names[strings.TrimSpace(name)] = true
		}
	}
	return s
}

// selection returns the selection of a $select for a caller.
func (t *Tenant) selection(list string, allowed rights) selection {
	s := newSelection(list)
	s.idOnly = allowed&readUsers == 0
	s.hidesEnabled = t.hidesEnabled(allowed)
	return s
}

func (t *Tenant) hidesEnabled(allowed rights) bool {
	return t.opts.BasicHidesEnabled && allowed&readEnabled == 0
}

// selectOf returns $select. An unreadable query selects nothing.
func selectOf(query string) string {
	q, _ := url.ParseQuery(query)
	return q.Get("$select")
}

// has reports whether a property is selected, or is a default property.
func (s *selection) has(name string) bool { return s.names == nil || s.names[name] }

func (s *selection) text(name, value string) string {
	if s.has(name) {
		return value
	}
	return ""
}

// user returns a user as the caller sees it. If the caller may not read users, it has the
// type and ID only. Source: learn.microsoft.com/graph/api/group-list-transitivemembers.
func (s selection) user(u *storedUser) directoryObject {
	if s.idOnly {
		return directoryObject{Type: "#microsoft.graph.user", ID: u.ID}
	}
	o := directoryObject{ID: s.text("id", u.ID), UPN: s.text("userPrincipalName", u.UPN),
		Name: s.text("displayName", u.UPN), UserType: s.text("userType", u.userType())}
	if s.has("accountEnabled") {
		if !s.hidesEnabled {
			o.Enabled = !u.Disabled
		} else if s.names != nil {
			o.Enabled = wire.Null
		}
	}
	if s.names["department"] {
		o.Department = nullable(u.Department)
	}
	return o
}

// nullable returns text, or null if it is empty.
func nullable(text string) any {
	if text == "" {
		return wire.Null
	}
	return text
}

func (u *storedUser) userType() string {
	if u.Guest || u.LocalGuest {
		return "Guest"
	}
	return "Member"
}

// listUsers answers GET /users. Called with mu held.
func (t *Tenant) listUsers(c *call) callAnswer {
	text := func(ops string, of func(u *storedUser) string) filterable {
		return filterable{ops: ops, value: func(i int) string { return of(t.users[i]) }}
	}
	isEnabled := func(i int) string { return strconv.FormatBool(!t.users[i].Disabled) }
	q, refused := t.readQuery(c, map[string]filterable{
		"accountEnabled":    {bare: true, ops: "eq", value: isEnabled},
		"userType":          text("eq", (*storedUser).userType),
		"userPrincipalName": text("eq startswith", func(u *storedUser) string { return u.UPN }),
		"department":        text("eq", func(u *storedUser) string { return u.Department }),
	}, "$count")
	switch {
	case refused != nil:
		return *refused
	case strings.Contains(q.Get("$filter"), "accountEnabled") && t.hidesEnabled(c.who.all):
		return t.forbidden(c)
	}
	s := t.selection(q.Get("$select"), c.who.all)
	return t.page(c, &q, "users", collection{n: len(t.users), keep: q.keep,
		item: func(i int) any { return s.user(t.users[i]) }})
}

// getUser answers GET /users/{user}. Called with mu held.
func (t *Tenant) getUser(c *call) callAnswer {
	allowed := c.who.allowedOn(c.user)
	s := t.selection(selectOf(c.query), allowed)
	object := s.user(c.user)
	if s.names["signInSessionsValidFromDateTime"] && allowed&readSessions != 0 {
		object.SessionsFrom = wire.Null
		if from := t.shownSessions(c.user, c.now); !from.IsZero() {
			object.SessionsFrom = from.UTC().Format(time.RFC3339)
		}
	}
	object.Context = c.root + "/$metadata#users/$entity"
	return jsonAnswer(200, object)
}

// listRegistrations answers GET /reports/authenticationMethods/userRegistrationDetails.
// It does not show who has a pass, because it is not documented whether Graph shows it.
// Source: learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails.
// Called with mu held.
func (t *Tenant) listRegistrations(c *call) callAnswer {
	isAdmin := func(i int) string { return strconv.FormatBool(t.users[i].Privileged) }
	q, refused := t.readQuery(c, map[string]filterable{"isAdmin": {bare: true, ops: "eq", value: isAdmin}})
	if refused != nil {
		return *refused
	}
	s := newSelection(q.Get("$select"))
	return t.page(c, &q, "reports/authenticationMethods/userRegistrationDetails", collection{
		n: len(t.users), keep: q.keep,
		item: func(i int) any {
			u := t.users[i]
			shown := directoryObject{ID: s.text("id", u.ID), UPN: s.text("userPrincipalName", u.UPN)}
			if s.has("isAdmin") {
				shown.Admin = u.Privileged
			}
			return shown
		}})
}

// getOrganization answers GET /organization with the only organization of the tenant.
// Source: learn.microsoft.com/graph/api/organization-list.
func (t *Tenant) getOrganization(c *call) callAnswer {
	opts := t.Entra.Options()
	domain := object{"name": opts.Domain, "isDefault": true, "isInitial": true}
	return jsonAnswer(200, object{"@odata.context": c.root + "/$metadata#organization", "value": []object{
		{"id": opts.TenantID, "displayName": "Contoso", "verifiedDomains": []object{domain}}}})
}

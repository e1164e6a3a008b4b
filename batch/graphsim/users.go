package graphsim

import (
	"net/url"
	"strings"
)

// listUsers answers GET /users. Called with mu held.
func (t *Tenant) listUsers(c *call) answer {
	q, refused := t.readQuery(c, "$filter", "$count")
	if refused != nil {
		return *refused
	}
	r := run{end: len(t.order), step: 1}
	if q.Has("$filter") {
		keep, asksEnabled, ok := userFilter(q.Get("$filter"))
		if !ok {
			return t.badFilter(c)
		}
		if asksEnabled && t.hidesEnabled(c.who.all) {
			return t.forbidden(c)
		}
		r.keep = func(i int) bool { return keep(t.order[i]) }
	}
	shown := t.shown(q.Get("$select"), c.who.all)
	r.put = func(b []byte, i int) []byte { return appendUser(b, t.order[i], shown) }
	t.stats.Pages++
	return t.page(c, &q, "users", r)
}

func (t *Tenant) badFilter(c *call) answer {
	return t.fail(c, 400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
}

func (t *Tenant) userJSON(c *call, u *user) []byte {
	q, _ := url.ParseQuery(c.query) // an unreadable query selects nothing
	b := append([]byte(`{"@odata.context":"`), c.root...)
	b = append(b, `/$metadata#users/$entity",`...)
	return append(b, appendUser(nil, u, t.shown(q.Get("$select"), c.who.mayDo(u)))[1:]...)
}

// shown is a set of properties that an answer shows.
type shown uint8

const (
	showType       shown = 1 << iota // @odata.type
	showID                           // id
	showUPN                          // userPrincipalName
	showName                         // displayName
	showKind                         // userType
	showEnabled                      // accountEnabled
	showNoEnabled                    // accountEnabled, as null
	showDepartment                   // department, if selected
)

var selectable = map[string]shown{
	"id": showID, "userPrincipalName": showUPN, "displayName": showName,
	"userType": showKind, "accountEnabled": showEnabled, "department": showDepartment,
}

// shown gives the properties that are selected, or many of those that are known,
// as far as a caller may see them.
func (t *Tenant) shown(selected string, may may) shown {
	s := showID | showUPN | showName | showKind | showEnabled
	if selected != "" {
		s = 0
		for name := range strings.SplitSeq(selected, ",") {
			s |= selectable[strings.TrimSpace(name)]
		}
	}
	if may&readUsers == 0 {
		// Of members that a caller may not read there is the type and the id.
		// Source: learn.microsoft.com/graph/api/group-list-transitivemembers.
		return showType | showID
	}
	if s&showEnabled != 0 && t.hidesEnabled(may) {
		if s &^= showEnabled; selected != "" {
			s |= showNoEnabled
		}
	}
	return s
}

func (t *Tenant) hidesEnabled(may may) bool { return t.opts.BasicHidesEnabled && may&readEnabled == 0 }

// appendUser appends what is shown of a user.
func appendUser(b []byte, u *user, s shown) []byte {
	first := len(b)
	name := func(n string) {
		b = append(b, ',', '"')
		b = append(b, n...)
		b = append(b, '"', ':')
	}
	if s&showType != 0 {
		name("@odata.type")
		b = append(b, `"#microsoft.graph.user"`...)
	}
	if s&showID != 0 {
		name("id")
		b = appendString(b, u.ID)
	}
	if s&showUPN != 0 {
		name("userPrincipalName")
		b = appendString(b, u.UPN)
	}
	if s&showName != 0 {
		name("displayName")
		b = appendString(b, u.UPN)
	}
	if s&showKind != 0 {
		name("userType")
		b = appendString(b, u.userType())
	}
	switch {
	case s&showEnabled != 0 && u.Disabled:
		name("accountEnabled")
		b = append(b, "false"...)
	case s&showEnabled != 0:
		name("accountEnabled")
		b = append(b, "true"...)
	case s&showNoEnabled != 0:
		name("accountEnabled")
		b = append(b, "null"...)
	}
	if s&showDepartment != 0 {
		name("department")
		if u.Department == "" {
			b = append(b, "null"...)
		} else {
			b = appendString(b, u.Department)
		}
	}
	if len(b) == first {
		b = append(b, '{')
	} else {
		b[first] = '{' // in place of the first comma
	}
	return append(b, '}')
}

func (u *user) userType() string {
	if u.Guest {
		return "Guest"
	}
	return "Member"
}

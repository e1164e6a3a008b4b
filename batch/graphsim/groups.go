package graphsim

import (
	"net/url"
	"slices"
	"strings"
)

// A Group is a group of users and of other groups.
type Group struct {
	// ID is the object id; AddGroup makes one from Name if it is empty.
	ID string

	// Name is the display name.
	Name string

	// Members are ids of users. One that is not in the tenant is left out as long
	// as it is not.
	Members []string

	// Groups are ids of groups whose members are members too. They may be nested
	// in a circle. One that is not in the tenant is left out.
	Groups []string
}

// group is a Group and who that makes its members at the moment.
type group struct {
	Group
	all   []member
	users []*user
	asOf  int // how much had been added when all and users were worked out
}

// member is either a user or a group.
type member struct {
	user  *user
	group *group
}

// AddGroup puts a group into the tenant, in place of one with the same ID, and
// gives its id.
func (t *Tenant) AddGroup(g Group) string {
	if g.ID == "" {
		g.ID = guidOf("group", g.Name)
	}
	g.Members, g.Groups = slices.Clone(g.Members), slices.Clone(g.Groups)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.groups == nil {
		t.groups = make(map[string]*group)
	}
	t.groups[strings.ToLower(g.ID)] = &group{Group: g}
	t.regrouped++
	return g.ID
}

// settle works out who is in g, once until users or groups are added: directly or
// through other groups, each once, and never g itself. Called with mu held.
func (t *Tenant) settle(g *group) {
	now := t.regrouped + len(t.order)
	if g.asOf == now {
		return
	}
	g.all, g.users, g.asOf = nil, nil, now
	users, groups := map[*user]bool{}, map[*group]bool{g: true}
	todo := []*group{g}
	for len(todo) > 0 {
		one := todo[0]
		todo = todo[1:]
		if one != g {
			g.all = append(g.all, member{group: one})
		}
		for _, id := range one.Members {
			if u := t.find(id); u != nil && !users[u] {
				users[u] = true
				g.all = append(g.all, member{user: u})
				g.users = append(g.users, u)
			}
		}
		for _, id := range one.Groups {
			if nested := t.groups[strings.ToLower(id)]; nested != nil && !groups[nested] {
				groups[nested] = true
				todo = append(todo, nested)
			}
		}
	}
}

// performOnGroup answers for a group and its members. Called with mu held.
func (t *Tenant) performOnGroup(c *call) answer {
	g := t.groups[strings.ToLower(c.route.group)]
	if g == nil {
		return t.notFound(c, c.route.group)
	}
	if c.route.resource == resGroup {
		q, _ := url.ParseQuery(c.query) // an unreadable query selects nothing
		b := append([]byte(`{"@odata.context":"`), c.root...)
		b = append(b, `/$metadata#groups/$entity",`...)
		return jsonAnswer(200, append(b, g.appendTo(nil, t.shown(q.Get("$select"), readUsers))[1:]...))
	}

	q, refused := t.readQuery(c, "$count")
	if refused != nil {
		return *refused
	}
	cast := c.route.resource == resMemberUsers
	if cast && !(q.count && q.eventual) {
		// Source: learn.microsoft.com/graph/api/group-list-transitivemembers, optional
		// query parameters.
		return t.fail(c, 400, "Request_UnsupportedQuery", "An OData cast needs the header ConsistencyLevel: eventual and $count=true.")
	}
	t.settle(g)
	t.stats.Pages++
	shown, ofGroups := t.shown(q.Get("$select"), c.who.all), t.shown(q.Get("$select"), readUsers)
	if cast {
		return t.page(c, &q, "users", run{end: len(g.users), step: 1, put: func(b []byte, i int) []byte {
			return appendUser(b, g.users[i], shown)
		}})
	}
	return t.page(c, &q, "directoryObjects", run{end: len(g.all), step: 1, put: func(b []byte, i int) []byte {
		if m := g.all[i]; m.group != nil {
			return m.group.appendTo(b, ofGroups|showType)
		}
		return appendUser(b, g.all[i].user, shown|showType)
	}})
}

// appendTo appends what is shown of a group.
func (g *group) appendTo(b []byte, s shown) []byte {
	b = append(b, '{')
	if s&showType != 0 {
		b = append(b, `"@odata.type":"#microsoft.graph.group",`...)
	}
	if s&showID != 0 {
		b = append(b, `"id":`...)
		b = append(appendString(b, g.ID), ',')
	}
	if s&showName != 0 {
		b = append(b, `"displayName":`...)
		b = append(appendString(b, g.Name), ',')
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

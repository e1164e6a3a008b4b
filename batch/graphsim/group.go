package graphsim

import (
	"cmp"
	"strings"

	"tapsweep/batch/graphsim/internal/wire"
)

// A Group is a group of users and of other groups.
type Group struct {
	ID   string // the object ID; AddGroup makes one from Name if it is empty
	Name string // the display name

	// Members are ids of users. The group lacks those that are not in the tenant.
	Members []string

	// Groups are ids of groups whose members are members too. They may form a circle.
	// The group lacks those that are not in the tenant.
	Groups []string
}

// AddGroup adds a group, or replaces the one with the same ID, and returns its id.
func (t *Tenant) AddGroup(g Group) string {
	g.ID = cmp.Or(g.ID, wire.GUID("group", g.Name))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.groups[strings.ToLower(g.ID)] = &g
	return g.ID
}

// members returns the users in a group, directly or not, each of them once. Called with mu held.
func (t *Tenant) members(g *Group) (users []*storedUser) {
	seenUsers, seenGroups := map[*storedUser]bool{}, map[*Group]bool{g: true}
	for queue := []*Group{g}; len(queue) > 0; queue = queue[1:] {
		for _, id := range queue[0].Members {
			if u := t.find(id); u != nil && !seenUsers[u] {
				seenUsers[u] = true
				users = append(users, u)
			}
		}
		for _, id := range queue[0].Groups {
			if nested := t.groups[strings.ToLower(id)]; nested != nil && !seenGroups[nested] {
				seenGroups[nested] = true
				queue = append(queue, nested)
			}
		}
	}
	return users
}

// handleGroup answers requests for a group and for its members. Called with mu held.
func (t *Tenant) handleGroup(c *call) callAnswer {
	g := t.groups[strings.ToLower(c.route.group)]
	if g == nil {
		return t.notFound(c, c.route.group)
	}
	if c.route.resource == resGroup {
		s := newSelection(selectOf(c.query))
		return jsonAnswer(200, directoryObject{Context: c.root + "/$metadata#groups/$entity",
			ID: s.text("id", g.ID), Name: s.text("displayName", g.Name)})
	}

	q, refused := t.readQuery(c, nil, "$count")
	if refused != nil {
		return *refused
	}
	if !q.count || !q.eventual {
		// Source: learn.microsoft.com/graph/api/group-list-transitivemembers, optional
		// query parameters.
		return t.fail(c, 400, "Request_UnsupportedQuery",
			"An OData cast needs the header ConsistencyLevel: eventual and $count=true.")
	}
	users := t.members(g)
	t.stats.Pages++
	s := t.selection(q.Get("$select"), c.who.all)
	return t.page(c, &q, "users", collection{end: len(users), step: 1, keep: q.keep,
		item: func(i int) any { return s.user(users[i]) }})
}

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

	// Members are the IDs of users. IDs that are not in the tenant are ignored.
	Members []string

	// Groups are the IDs of groups whose members are also members. They may form a cycle.
	// IDs that are not in the tenant are ignored.
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

// members returns the direct and indirect users of a group, each of them once. It is called with mu held.
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
	s := t.selection(q.Get("$select"), c.who.all)
	return t.page(c, &q, "users", collection{n: len(users), keep: q.keep,
		item: func(i int) any { return s.user(users[i]) }})
}

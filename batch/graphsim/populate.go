package graphsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tapsweep/batch/graphsim/internal/wire"
)

// AddUsers adds n users with one usable pass each and returns them. They are
// user0001@contoso.example and so on, also over several calls. Their ids follow from
// their names.
func (t *Tenant) AddUsers(n int) []User {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]User, n)
	for i := range all {
		t.added++
		u := t.add(User{UPN: fmt.Sprintf("user%04d@contoso.example", t.added), Passes: []Pass{{}}})
		all[i] = User{ID: u.ID, UPN: u.UPN, Passes: []Pass{*u.state.passes[0]}}
	}
	return all
}

// AddMany adds n users as AddUser does. It asks each, with 0 to n-1, for one at a time,
// so that a million users take little memory: some 250 bytes without a pass. each must
// not use the tenant.
func (t *Tenant) AddMany(n int, each func(i int) User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := make(map[string]*user, len(t.byName)+2*n) // or it would grow many times
	maps.Copy(byName, t.byName)
	t.byName, t.users = byName, slices.Grow(t.users, n)
	for i := range n {
		t.add(each(i))
	}
}

// AddPair adds the user and the pass of one line of a list, so that the list can be
// rehearsed before it is used on a real tenant. The beginning of the user's name
// decides what happens to the line:
//
//	admin…     a privileged user: reading and deleting passes is refused with 403
//	gone…      there is no such user
//	replaced…  the user holds another pass than the named one
//	nopass…    the user holds no pass
//
// All others hold the pass, and so do users that are given as a GUID. With an empty
// passID the user holds a pass with an invented id, and replaced… means nothing. by may
// be nil; see Pass.CreatedBy. The same pair twice changes nothing.
func (t *Tenant) AddPair(userName, passID string, by *Actor) {
	prefix, _, isUPN := strings.Cut(strings.ToLower(userName), "@")
	in := User{ID: userName}
	if isUPN {
		in = User{UPN: userName, ID: wire.GUID("user", strings.ToLower(userName))}
	} else {
		prefix = ""
	}
	if strings.HasPrefix(prefix, "gone") {
		return
	}
	in.Privileged = strings.HasPrefix(prefix, "admin")

	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(userName)
	if u == nil {
		u = t.add(in)
	}
	if strings.HasPrefix(prefix, "nopass") || passID == "" && len(u.passes()) > 0 {
		return
	}
	if passID != "" && strings.HasPrefix(prefix, "replaced") {
		passID = wire.GUID("instead of", strings.ToLower(passID))
	}
	passID = cmp.Or(passID, wire.GUID("pass", u.ID, "0"))
	if u.passIndex(passID) < 0 {
		t.addPass(u, Pass{ID: passID, CreatedBy: by})
	}
}

package graphsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
)

// A User is an account in the tenant.
type User struct {
	ID         string // the object ID; AddUser makes one from the UPN if it is empty
	UPN        string // the user principal name; AddUser makes one from the ID if it is empty
	Department string // empty means none
	Guest      bool   // an external guest, who cannot get a pass
	Disabled   bool   // accountEnabled is false

	// Privileged answers 403 to all requests about the user's passes, and is isAdmin in the report of
	// registrations.
	Privileged bool

	// KeepsSessions answers 403 to the call that revokes the user's sessions. Privileged implies it.
	KeepsSessions bool

	// Roles are the user's Entra roles, by template id. Tokens of the user name them.
	Roles []string

	// Reissue is the time from a DELETE of one of the user's passes to a new pass, whose
	// creator is that of the first. Zero means that there is no new pass.
	Reissue time.Duration

	// Passes are the user's Temporary Access Passes. In a real tenant there is at most one.
	Passes []Pass
}

// A Pass is a Temporary Access Pass, without its secret.
type Pass struct {
	ID              string    // a GUID; AddUser makes one if it is empty
	Created         time.Time // zero means now
	Start           time.Time // zero means Created
	LifetimeMinutes int       // from Start; zero means 60
	UsableOnce      bool
	Reason          string // methodUsabilityReason; empty means what the dates say

	// CreatedBy makes an entry in the audit log if Options.Audit is set. Nil makes none.
	CreatedBy *Actor
}

// storedUser is an account. There may be a million, so what only a few have is in passState.
type storedUser struct {
	ID, UPN, Department         string
	Privileged, Guest, Disabled bool

	KeepsSessions bool

	state *passState // nil while there is nothing to keep
}

// passState is what happens to a user's passes.
type passState struct {
	passes []*Pass
	ghosts []ghost
	roles  []string

	sessions []time.Time // when the sessions were revoked: the last time, and what was shown before
	reissue  time.Duration

	writing      int32 // batches and direct requests under way with a write for the user
	lastExchange int   // the last one of them
	writtenBatch int   // the last batch with a write that took effect
}

// ghost is a deleted pass that is still listed.
type ghost struct {
	*Pass
	until time.Time
}

// keep returns the state of the user's passes and makes one if there is none.
func (u *storedUser) keep() *passState {
	if u.state == nil {
		u.state = new(passState)
	}
	return u.state
}

// passes returns the passes that the user holds.
func (u *storedUser) passes() []*Pass {
	if u.state == nil {
		return nil
	}
	return u.state.passes
}

// passIndex returns the index of a pass in u.passes, or -1. Ids compare without case.
func (u *storedUser) passIndex(id string) int {
	return slices.IndexFunc(u.passes(), func(p *Pass) bool { return strings.EqualFold(p.ID, id) })
}

// AddUser adds a user, or replaces the one with the same ID.
func (t *Tenant) AddUser(u User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(u)
}

// add is called with mu held, like all below.
func (t *Tenant) add(in User) *storedUser {
	in.ID = cmp.Or(in.ID, wire.GUID("user", in.UPN))
	in.UPN = cmp.Or(in.UPN, in.ID+"@contoso.example")
	u := t.find(in.ID)
	if u == nil {
		u = new(storedUser)
		t.users = append(t.users, u)
		t.byName[strings.ToLower(in.ID)] = u
	} else {
		delete(t.byName, strings.ToLower(u.UPN))
		t.reissues = slices.DeleteFunc(t.reissues, func(r reissue) bool { return r.user == u })
	}
	t.byName[strings.ToLower(in.UPN)] = u
	u.ID, u.UPN, u.Department = in.ID, in.UPN, in.Department
	u.Privileged, u.Guest, u.Disabled = in.Privileged, in.Guest, in.Disabled
	u.KeepsSessions = in.KeepsSessions
	if u.state == nil && len(in.Passes) == 0 && in.Reissue == 0 && len(in.Roles) == 0 {
		return u
	}
	state := u.keep()
	state.passes, state.reissue, state.roles = nil, in.Reissue, in.Roles
	for _, p := range in.Passes {
		t.addPass(u, p)
	}
	return u
}

// addPass fills in what p leaves open, and gives the pass to a user.
func (t *Tenant) addPass(u *storedUser, p Pass) *Pass {
	state := u.keep()
	if p.ID == "" {
		p.ID = wire.GUID("pass", u.ID, fmt.Sprint(len(state.passes)))
	}
	if p.Created.IsZero() {
		p.Created = time.Now().UTC()
	}
	if p.Start.IsZero() {
		p.Start = p.Created
	}
	p.LifetimeMinutes = cmp.Or(p.LifetimeMinutes, 60)
	state.passes = append(state.passes, &p)
	if t.opts.Audit && p.CreatedBy != nil {
		t.audits.addCreated(u, &p)
	}
	return &p
}

// find returns the user with that object ID or user principal name, or nil.
func (t *Tenant) find(name string) *storedUser { return t.byName[strings.ToLower(name)] }

// entraUser tells Entra about a user. Called without mu.
func (t *Tenant) entraUser(name string) (entra.SignInUser, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.find(name)
	if u == nil {
		return entra.SignInUser{}, false
	}
	found := entra.SignInUser{ID: u.ID, UPN: u.UPN}
	if u.state != nil {
		found.Roles = u.state.roles
	}
	return found, true
}

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

// AddMany adds n users as AddUser does. It calls each with 0 to n-1, one after another, so
// that a million users need little memory: a user without a pass takes some 260 bytes.
// each must not use the tenant.
func (t *Tenant) AddMany(n int, each func(i int) User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := make(map[string]*storedUser, len(t.byName)+2*n) // or it would grow many times
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
//	admin…     a privileged user: reading and deleting passes, and revoking sessions, is refused with 403
//	locked…    revoking the sessions is refused with 403
//	guest…     the home tenant signs the user in, so that revoking the sessions changes nothing
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
	in.Privileged, in.KeepsSessions = strings.HasPrefix(prefix, "admin"), strings.HasPrefix(prefix, "locked")
	in.Guest = strings.HasPrefix(prefix, "guest")

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

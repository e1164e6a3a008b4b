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
	Guest      bool   // a guest from another tenant, who cannot get a pass
	LocalGuest bool   // a guest of this tenant, whose sessions the tenant can revoke
	Disabled   bool   // accountEnabled is false

	// Privileged makes the tenant answer 403 to all requests about the user's passes. In the report of
	// registrations the user has isAdmin.
	Privileged bool

	// KeepsSessions makes the tenant answer 403 to the call that revokes the user's sessions. Privileged
	// implies it.
	KeepsSessions bool

	// Roles are the user's Entra roles, by template id. Tokens of the user name them.
	Roles []string

	// Reissue is how long after a DELETE of a pass the user gets a new one. The new pass has the
	// same creator. Zero means that the user gets no new pass.
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
	Reason          string // methodUsabilityReason; empty means the one that the dates imply

	// CreatedBy is the creator in the audit log, if Options.Audit is set. Nil means that the log has no entry.
	CreatedBy *Actor
}

// storedUser is an account. There may be a million, so fields that only a few accounts need are in passState.
type storedUser struct {
	ID, UPN, Department string

	Privileged, KeepsSessions, Guest, LocalGuest, Disabled bool

	state *passState // nil until it is needed, see keep
}

// passState is the state of a user's passes and sessions.
type passState struct {
	passes []*Pass
	ghosts []ghost
	roles  []string

	sessions []time.Time // when the sessions were revoked: the time that was shown before, then the last time
	reissue  time.Duration

	writing      int32 // how many batches and direct requests under way write to the user
	lastExchange int   // the number of the last of them
	writtenBatch int   // the number of the last batch with a write that took effect
}

// ghost is a deleted pass that is still listed.
type ghost struct {
	*Pass
	until time.Time
}

// keep returns the user's state. It creates one if there is none.
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

// passIndex returns the index of a pass in u.passes, or -1. IDs are compared without case.
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
	u.Privileged, u.KeepsSessions, u.Disabled = in.Privileged, in.KeepsSessions, in.Disabled
	u.Guest, u.LocalGuest = in.Guest, in.LocalGuest
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

// addPass fills in the empty fields of p, and gives the pass to a user.
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

// AddUsers adds n users with one usable pass each and returns them. Their names are
// user0001@contoso.example and so on; a later call continues the numbers. Their IDs are
// made from their names.
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

// AddMany adds n users as AddUser does. It calls each with 0 to n-1 to get one user at a
// time. So a million users need little memory: a user without a pass takes about 260 bytes.
// each must not use the tenant.
func (t *Tenant) AddMany(n int, each func(i int) User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	byName := make(map[string]*storedUser, len(t.byName)+2*n) // otherwise the map would grow many times
	maps.Copy(byName, t.byName)
	t.byName, t.users = byName, slices.Grow(t.users, n)
	for i := range n {
		t.add(each(i))
	}
}

// AddPair adds the user and the pass of one line of a list, so that a simulation can run
// the list before a real tenant does. The beginning of the user's name sets the result of
// the line:
//
//	admin…     the user is privileged: reading and deleting passes and revoking sessions are refused with 403
//	locked…    revoking the sessions is refused with 403
//	guest…     another tenant signs the user in, so revoking the sessions changes nothing
//	gone…      there is no such user
//	replaced…  the user holds a pass other than the named one
//	nopass…    the user holds no pass
//
// All other users hold the pass, including users that are given as a GUID. If passID is
// empty, the user holds a pass with an invented ID, and replaced… has no effect. by may be
// nil; see Pass.CreatedBy. A second call with the same pair changes nothing.
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

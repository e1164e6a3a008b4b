package graphsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A User is an account in the tenant.
type User struct {
	// ID is the object id; AddUser makes one from the UPN if it is empty.
	ID string

	// UPN is the user principal name.
	UPN string

	// Department is a property to filter by; empty is none.
	Department string

	// Privileged has everything about the user's passes answered with 403.
	Privileged bool

	// Guest is an external guest, who can be given no pass.
	Guest bool

	// Disabled has accountEnabled false.
	Disabled bool

	// Roles are the Entra roles, by template id, that tokens of the user name.
	Roles []string

	// Passes are the user's Temporary Access Passes, in a real tenant at most one.
	Passes []Pass
}

// A Pass is a Temporary Access Pass, without the secret.
type Pass struct {
	// ID is a GUID; AddUser makes one if it is empty.
	ID string

	// Created and Start default to the time of AddUser, and Start to Created.
	Created, Start time.Time

	// LifetimeMinutes counts from Start; zero means 60.
	LifetimeMinutes int

	UsableOnce bool

	// Reason is methodUsabilityReason. Empty is worked out from the dates.
	Reason string
}

// user is an account. There may be a million, so what only a few of them have is
// kept elsewhere.
type user struct {
	ID, UPN, Department         string
	Privileged, Guest, Disabled bool

	held *holding // nil while there is nothing to say
}

// holding is what goes on with a user's passes.
type holding struct {
	passes    []Pass
	ghosts    []ghost
	roles     []string
	inFlight  int32 // running batches and direct requests with a write for the user
	flightSeq int   // the last flight that announced one
	wroteSeq  int   // the last batch that carried one out
}

// ghost is a deleted pass that is still listed.
type ghost struct {
	Pass
	until time.Time
}

func (u *user) hold() *holding {
	if u.held == nil {
		u.held = new(holding)
	}
	return u.held
}

// passes are what the user holds. Change them through hold.
func (u *user) passes() []Pass {
	if u.held == nil {
		return nil
	}
	return u.held.passes
}

// set makes u what in says; what is going on with it goes on.
func (u *user) set(in User) {
	u.ID, u.UPN, u.Department = in.ID, in.UPN, in.Department
	u.Privileged, u.Guest, u.Disabled = in.Privileged, in.Guest, in.Disabled
	if u.held != nil || len(in.Passes) > 0 {
		u.hold().passes = in.Passes
	}
	if len(in.Roles) > 0 {
		u.hold().roles = in.Roles
	}
}

// pass tells where the pass is in u.passes, or -1. Ids compare without case.
func (u *user) pass(id string) int {
	return slices.IndexFunc(u.passes(), func(p Pass) bool { return strings.EqualFold(p.ID, id) })
}

// AddUser puts a user into the tenant, in place of one with the same ID.
func (t *Tenant) AddUser(u User) {
	u.Passes = slices.Clone(u.Passes)
	u.fill(time.Now().UTC())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.add(u)
}

func (u *User) fill(now time.Time) {
	if u.ID == "" {
		u.ID = guidOf("user", u.UPN)
	}
	if u.UPN == "" {
		u.UPN = u.ID + "@contoso.example"
	}
	for i := range u.Passes {
		u.Passes[i].fill(u.ID, i, now)
	}
}

func (p *Pass) fill(userID string, i int, now time.Time) {
	if p.ID == "" {
		p.ID = guidOf("pass", userID, fmt.Sprint(i))
	}
	if p.Created.IsZero() {
		p.Created = now
	}
	if p.Start.IsZero() {
		p.Start = p.Created
	}
	p.LifetimeMinutes = cmp.Or(p.LifetimeMinutes, 60)
}

// find gives the user with that object id or user principal name, or nil. Called
// with mu held, like add.
func (t *Tenant) find(name string) *user {
	if pos := t.names.find(t.order, name); pos >= 0 {
		return t.order[pos]
	}
	return nil
}

func (t *Tenant) add(in User) *user {
	t.names.reserve(t.order, 2)
	if pos := t.names.find(t.order, in.ID); pos >= 0 {
		old := t.order[pos]
		renamed := !strings.EqualFold(old.UPN, in.UPN)
		old.set(in)
		if renamed {
			t.names.add(pos, in.UPN)
		}
		return old
	}
	u := new(user)
	u.set(in)
	t.enter(u)
	return u
}

// enter puts a new user last. There must be room in the index.
func (t *Tenant) enter(u *user) {
	t.order = append(t.order, u)
	t.names.add(len(t.order)-1, u.ID)
	t.names.add(len(t.order)-1, u.UPN)
}

// A Held is a pass that a user holds.
type Held struct {
	UserID, UPN, PassID string
}

// Left tells which passes are left, sorted by UPN and then by pass.
func (t *Tenant) Left() []Held {
	t.mu.Lock()
	var left []Held
	for _, u := range t.order {
		for _, p := range u.passes() {
			left = append(left, Held{u.ID, u.UPN, p.ID})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(left, func(a, b Held) int {
		return cmp.Or(strings.Compare(a.UPN, b.UPN), strings.Compare(a.UserID, b.UserID),
			strings.Compare(a.PassID, b.PassID))
	})
	return left
}

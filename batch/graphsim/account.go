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

	// Admin has isAdmin true in the report. Privileged implies it.
	Admin bool

	// Reissue is how long after a DELETE of one of the user's passes another one
	// appears, as if made by whoever made the first. Zero is never.
	Reissue time.Duration

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

	// CreatedBy is who made it. With Options.Audit there is an entry about it at the
	// time of Created; nil is nobody who is known, and makes none. A pass that is
	// made by POST is by the caller.
	CreatedBy *Actor
}

// user is an account. There may be a million, so what only a few of them have is
// kept elsewhere.
type user struct {
	ID, UPN, Department                string
	Privileged, Guest, Disabled, Admin bool

	held *holding // nil while there is nothing to say
}

// set makes u what in says; what is going on with it goes on.
func (u *user) set(in User) {
	u.ID, u.UPN, u.Department = in.ID, in.UPN, in.Department
	u.Privileged, u.Guest, u.Disabled, u.Admin = in.Privileged, in.Guest, in.Disabled, in.Admin
	if u.held != nil || len(in.Passes) > 0 || in.Reissue > 0 {
		u.hold().passes, u.held.reissue = in.Passes, in.Reissue
	}
	if len(in.Roles) > 0 {
		u.hold().roles = in.Roles
	}
}

// AddUser puts a user into the tenant, in place of one with the same ID.
func (t *Tenant) AddUser(u User) {
	u.Passes = slices.Clone(u.Passes)
	u.fill(time.Now().UTC())
	t.mu.Lock()
	defer t.mu.Unlock()
	added := t.add(u)
	t.undue(added)
	t.auditPasses(added)
}

// auditPasses notes who made the passes that a new user comes with.
func (t *Tenant) auditPasses(u *user) {
	for i := range u.passes() {
		t.auditMade(u, &u.held.passes[i])
	}
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

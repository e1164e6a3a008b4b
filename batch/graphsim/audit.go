package graphsim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// An Actor is who did something: a user, or an app if both UserID and UPN are
// empty. An Actor may be shared and must not be changed.
type Actor struct {
	UserID, UPN string // one of them is enough for a user of the tenant
	AppID, App  string // the client id and the display name
}

// appName is the display name of the app that has the tenant's ClientID.
const appName = "Onboarding"

// PassService is what the entries about passes are logged by.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts.
const PassService = "Authentication Methods"

// An Audit is an entry of the directory's audit log.
type Audit struct {
	Time     time.Time // zero is the time of AddAudit
	Service  string    // loggedByService; empty means "Core Directory"
	Category string    // empty means "UserManagement"
	Activity string    // activityDisplayName; empty means "Update user"
	Result   string    // empty means "success"
	Reason   string    // resultReason
	By       Actor

	// What it was done to. TargetType is "User" if empty, and an empty TargetID is null.
	TargetID, TargetUPN, TargetType string

	// NoTarget leaves targetResources empty, and NoInitiator makes initiatedBy null. Some
	// types of entries are like that; entries about passes have not been seen so.
	NoTarget, NoInitiator bool
}

// audited is an entry as it is kept. There may be a million about passes, which
// differ in little.
type audited struct {
	at   int64 // Unix time in nanoseconds
	user *user
	by   *Actor
	said *Audit    // the entry added by AddAudit; nil for an entry about a pass
	pass *madePass // the pass that was created, nil for other entries
	seq  uint32    // makes the id
	deed deed
}

type deed uint8

const (
	registered deed = iota // as an admin
	enrolled               // the same, as if the user had
	removed
)

// deeds gives activity and reason of the entries about passes.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ/sigma rules/cloud/azure/audit_logs/azure_tap_added.yml. The second was
// seen with apps, in alert rules of third parties.
var deeds = [...][2]string{
	registered: {"Admin registered security info", "Admin registered temporary access pass method for user"},
	enrolled:   {"User registered security info", "User registered temporary access pass method"},
	removed:    {"Admin deleted security info", "Admin deleted temporary access pass method for user"},
}

// AddAudit puts an entry into the audit log, whether Options.Audit is set or not.
// One with a time in the past shifts those after it: a client that is between two
// pages may miss an entry or see one twice.
func (t *Tenant) AddAudit(a Audit) {
	if a.Time.IsZero() {
		a.Time = time.Now()
	}
	a.Service = cmp.Or(a.Service, "Core Directory")
	a.Category = cmp.Or(a.Category, "UserManagement")
	a.Activity = cmp.Or(a.Activity, "Update user")
	a.Result = cmp.Or(a.Result, "success")
	a.TargetType = cmp.Or(a.TargetType, "User")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noteAudit(audited{at: a.Time.UnixNano(), by: &a.By, said: &a})
}

// auditMade notes that a pass was made, if it is known who made it. An app's entry
// is in one form and the other in turn.
func (t *Tenant) auditMade(u *user, p *Pass) {
	if !t.opts.Audit || p.CreatedBy == nil {
		return
	}
	d := registered
	if p.CreatedBy.isApp() {
		if t.byApps++; t.byApps%2 == 1 {
			d = enrolled
		}
	}
	t.noteAudit(audited{at: p.Created.UnixNano(), user: u, by: p.CreatedBy, pass: p.made(), deed: d})
}

func (t *Tenant) auditRemoved(u *user, by *Actor, now time.Time) {
	if t.opts.Audit {
		t.noteAudit(audited{at: now.UnixNano(), user: u, by: by, deed: removed})
	}
}

// noteAudit adds an entry. Called with mu held.
func (t *Tenant) noteAudit(e audited) {
	e.seq = uint32(len(t.audits))
	if n := len(t.audits); n > 0 && e.at < t.audits[n-1].at {
		t.auditsMixed = true
	}
	t.audits = append(t.audits, e)
}

// auditsInOrder gives all entries, the oldest first.
func (t *Tenant) auditsInOrder() []audited {
	if t.auditsMixed {
		slices.SortStableFunc(t.audits, func(a, b audited) int { return cmp.Compare(a.at, b.at) })
		t.auditsMixed = false
	}
	return t.audits
}

func (a *Actor) isApp() bool { return a.UserID == "" && a.UPN == "" }

// actor is who a caller is. Called with mu held.
func (t *Tenant) actor(who *caller) *Actor {
	if !who.delegated {
		return t.app
	}
	key := strings.ToLower(who.oid)
	a := t.actors[key]
	if a == nil {
		a = &Actor{UserID: who.oid}
		if u := t.find(who.oid); u != nil {
			a.UPN = u.UPN
		}
		if t.actors == nil {
			t.actors = make(map[string]*Actor)
		}
		t.actors[key] = a
	}
	return a
}

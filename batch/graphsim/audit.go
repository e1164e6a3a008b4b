package graphsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// An Actor is who did what an audit entry reports: a user, or the tenant's app if both names are empty. One of the
// names is enough if the user is in the tenant. Do not change an Actor after its first use.
type Actor struct{ UserID, UPN string }

var appActor = new(Actor)

// appName is the display name of the tenant's app.
const appName = "Onboarding"

// PassService is the service that logs the entries about passes.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts.
const PassService = "Authentication Methods"

// An AuditEntry is an entry of the directory's audit log.
type AuditEntry struct {
	Time     time.Time // zero means the time of AddAudit
	Service  string    // loggedByService; empty means "Core Directory"
	Activity string    // activityDisplayName; empty means "Update user"
	Result   string    // empty means "success"
	Reason   string    // resultReason
	By       Actor

	// TargetID and TargetUPN name the target, a user. An empty TargetID is shown as null.
	TargetID, TargetUPN string

	// NoTarget makes targetResources empty, and NoInitiator makes initiatedBy null. This is
	// true of some types of entries, but has not been seen in entries about passes.
	NoTarget, NoInitiator bool

	// Properties are the modifiedProperties of the target: the new values by name. In an
	// entry about a created pass the values are JSON.
	Properties map[string]string
}

// auditLog holds the entries of the audit log. There may be a million about passes.
type auditLog struct {
	entries    []auditRecord // in order of time, unless isUnsorted
	isUnsorted bool
	appCreated int // how many passes apps created
}

// auditRecord is an entry as the tenant keeps it.
type auditRecord struct {
	at     int64 // Unix time in nanoseconds
	user   *storedUser
	by     *Actor
	entry  *AuditEntry // from AddAudit; nil for an entry about a pass
	pass   *Pass       // the created pass; nil for other entries
	number int32       // the ID is made from it
	action auditAction
}

// auditAction is the action that an entry about a pass reports.
type auditAction uint8

const (
	createdByAdmin auditAction = iota
	createdByUser              // the entry says so, although an app or an admin did it
	deleted
)

// auditTexts has the activity and the reason of entries about passes. The second one was
// seen in alert rules of third parties, for apps.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ/sigma rules/cloud/azure/audit_logs/azure_tap_added.yml.
var auditTexts = [...]struct{ activity, reason string }{
	createdByAdmin: {"Admin registered security info", "Admin registered temporary access pass method for user"},
	createdByUser:  {"User registered security info", "User registered temporary access pass method"},
	deleted:        {"Admin deleted security info", "Admin deleted temporary access pass method for user"},
}

// AddAudit adds an entry to the audit log, even if Options.Audit is not set. An entry in the
// past moves the later ones: a client that is between two pages may miss an entry or see
// one twice.
func (t *Tenant) AddAudit(e AuditEntry) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Service = cmp.Or(e.Service, "Core Directory")
	e.Activity = cmp.Or(e.Activity, "Update user")
	e.Result = cmp.Or(e.Result, "success")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.audits.add(auditRecord{at: e.Time.UnixNano(), by: &e.By, entry: &e})
}

// add adds an entry. It is called with the tenant's mu held, like all functions below.
func (l *auditLog) add(r auditRecord) {
	r.number = int32(len(l.entries))
	if n := len(l.entries); n > 0 && r.at < l.entries[n-1].at {
		l.isUnsorted = true
	}
	l.entries = append(l.entries, r)
}

// addCreated adds an entry about a pass with a creator. Every second entry about an app
// looks as if the user created the pass.
func (l *auditLog) addCreated(u *storedUser, p *Pass) {
	r := auditRecord{at: p.Created.UnixNano(), user: u, by: p.CreatedBy, pass: p, action: createdByAdmin}
	if *p.CreatedBy == *appActor {
		if l.appCreated++; l.appCreated%2 == 1 {
			r.action = createdByUser
		}
	}
	l.add(r)
}

// sorted returns all entries, with the oldest first.
func (l *auditLog) sorted() []auditRecord {
	if l.isUnsorted {
		slices.SortStableFunc(l.entries, func(a, b auditRecord) int { return cmp.Compare(a.at, b.at) })
		l.isUnsorted = false
	}
	return l.entries
}

// actor returns the Actor of a caller.
func (t *Tenant) actor(who *principal) *Actor {
	if !who.IsUser() {
		return appActor
	}
	return &Actor{UserID: who.UserID}
}

// passProperties are the names in modifiedProperties, in the two spellings that have
// been seen. Entries alternate between the spellings, because it is not known which one
// Graph uses today.
// Source: a record of 2022-06-27 in a public thesis; nicolonsky/ITDR,
// Queries/Entra-TAP-Issuance.md, 342c663.
var passProperties = [2][4]string{
	{"TemporaryAccessPass.Id", "TemporaryAccessPass.StartDateTime", "TemporaryAccessPass.EndDateTime",
		"TemporaryAccessPass.AccessPassUsage"},
	{"TemporaryAccessPass.TemporaryAccessPass.Id", "TemporaryAccessPass.TemporaryAccessPass.StartDateTime",
		"TemporaryAccessPass.TemporaryAccessPass.EndTime", "TemporaryAccessPass.TemporaryAccessPass.AccessPassUsage"},
}

// modifiedProperties returns the properties of an entry about a created pass. As in Graph,
// each new value is a string that contains JSON.
func (r *auditRecord) modifiedProperties() []object {
	all := []object{}
	if r.pass == nil {
		for name, value := range r.details().Properties {
			all = append(all, object{"displayName": name, "oldValue": nil, "newValue": value})
		}
		return all
	}
	usage := "Multiple"
	if r.pass.UsableOnce {
		usage = "Once"
	}
	start, end := r.pass.Start.UTC().Format(time.RFC3339), r.pass.end().UTC().Format(time.RFC3339)
	for i, value := range [...]string{r.pass.ID, start, end, usage} {
		quoted, _ := json.Marshal(value) // a string always marshals
		name := passProperties[r.number%2][i]
		all = append(all, object{"displayName": name, "oldValue": nil, "newValue": string(quoted)})
	}
	return all
}

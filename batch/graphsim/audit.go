package graphsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// An Actor is who did something: an app if UserID and UPN are empty, otherwise a user.
// Do not change an Actor after its first use.
type Actor struct {
	UserID, UPN string // one of them is enough for a user of the tenant
	AppID, App  string // the client ID and the display name
}

func (a *Actor) isApp() bool { return a.UserID == "" && a.UPN == "" }

// appName is the display name of the tenant's app.
const appName = "Onboarding"

// PassService is the service that logs the entries about passes.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts.
const PassService = "Authentication Methods"

// An AuditEntry is an entry of the directory's audit log.
type AuditEntry struct {
	Time     time.Time // zero means the time of AddAudit
	Service  string    // loggedByService; empty means "Core Directory"
	Category string    // empty means "UserManagement"
	Activity string    // activityDisplayName; empty means "Update user"
	Result   string    // empty means "success"
	Reason   string    // resultReason
	By       Actor

	// The target, a user. An empty TargetID is null.
	TargetID, TargetUPN string

	// NoTarget makes targetResources empty, and NoInitiator makes initiatedBy null. Some
	// types of entries are so. Entries about passes have not been seen so.
	NoTarget, NoInitiator bool

	// Properties are the modifiedProperties of the target: the new values by name. An entry
	// about a created pass has JSON in them.
	Properties map[string]string
}

// auditLog holds the entries of the audit log. There may be a million about passes.
type auditLog struct {
	app        *Actor        // all callers that are not users
	entries    []auditRecord // in order of time, unless isUnsorted
	isUnsorted bool
	appCreated int // passes that apps created
}

// auditRecord is an entry as the tenant keeps it.
type auditRecord struct {
	at     int64 // Unix time in nanoseconds
	user   *storedUser
	by     *Actor
	entry  *AuditEntry // from AddAudit; nil for an entry about a pass
	pass   *Pass       // the created pass; nil for other entries
	number int32       // makes the id
	action auditAction
}

// auditAction is what an entry about a pass says.
type auditAction uint8

const (
	createdByAdmin auditAction = iota
	createdByUser              // what the entry says, although an app or an admin did it
	deleted
)

// auditTexts holds activity and reason of the entries about passes. The second one was
// seen with apps, in alert rules of third parties.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ/sigma rules/cloud/azure/audit_logs/azure_tap_added.yml.
var auditTexts = [...]struct{ activity, reason string }{
	createdByAdmin: {"Admin registered security info", "Admin registered temporary access pass method for user"},
	createdByUser:  {"User registered security info", "User registered temporary access pass method"},
	deleted:        {"Admin deleted security info", "Admin deleted temporary access pass method for user"},
}

// AddAudit adds an entry to the audit log, whether Options.Audit is set or not. An entry
// in the past moves the later ones: a client between two pages may miss an entry or see
// one twice.
func (t *Tenant) AddAudit(e AuditEntry) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Service = cmp.Or(e.Service, "Core Directory")
	e.Category = cmp.Or(e.Category, "UserManagement")
	e.Activity = cmp.Or(e.Activity, "Update user")
	e.Result = cmp.Or(e.Result, "success")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.audits.add(auditRecord{at: e.Time.UnixNano(), by: &e.By, entry: &e})
}

// add is called with the tenant's mu held, like all below.
func (l *auditLog) add(r auditRecord) {
	r.number = int32(len(l.entries))
	if n := len(l.entries); n > 0 && r.at < l.entries[n-1].at {
		l.isUnsorted = true
	}
	l.entries = append(l.entries, r)
}

// addCreated adds an entry about a pass with a creator. Every other entry about an app
// has the form of a user's own.
func (l *auditLog) addCreated(u *storedUser, p *Pass) {
	r := auditRecord{at: p.Created.UnixNano(), user: u, by: p.CreatedBy, pass: p, action: createdByAdmin}
	if p.CreatedBy.isApp() {
		if l.appCreated++; l.appCreated%2 == 1 {
			r.action = createdByUser
		}
	}
	l.add(r)
}

// sorted returns all entries, the oldest first.
func (l *auditLog) sorted() []auditRecord {
	if l.isUnsorted {
		slices.SortStableFunc(l.entries, func(a, b auditRecord) int { return cmp.Compare(a.at, b.at) })
		l.isUnsorted = false
	}
	return l.entries
}

// actor returns who a caller is in the audit log.
func (t *Tenant) actor(who *principal) *Actor {
	if !who.IsUser() {
		return t.audits.app
	}
	return &Actor{UserID: who.UserID}
}

// passProperties are the names in modifiedProperties, in the two spellings that have
// been seen. Entries alternate between them, because it is not known which one tenants
// write today.
// Source: a record of 2022-06-27 in a public thesis; nicolonsky/ITDR,
// Queries/Entra-TAP-Issuance.md, 342c663.
var passProperties = [2][4]string{
	{"TemporaryAccessPass.Id", "TemporaryAccessPass.StartDateTime", "TemporaryAccessPass.EndDateTime",
		"TemporaryAccessPass.AccessPassUsage"},
	{"TemporaryAccessPass.TemporaryAccessPass.Id", "TemporaryAccessPass.TemporaryAccessPass.StartDateTime",
		"TemporaryAccessPass.TemporaryAccessPass.EndTime", "TemporaryAccessPass.TemporaryAccessPass.AccessPassUsage"},
}

// modifiedProperties holds what an entry says about a created pass. As in Graph, each new
// value is a string that contains JSON.
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

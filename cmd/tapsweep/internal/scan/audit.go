package scan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
)

// Audit finds passes in the directory audit log: for whom one was created, when and by whom.
// Records come some minutes late. The log keeps them for 30 days, or 7 without a licence.
// Source: learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention.
type Audit struct {
	Since time.Time

	// By is the creator of the pass: object id or UPN of a user, or app id, service principal
	// or display name of an app. Empty is anybody.
	By string

	// Names are further names of the user By, found by a lookup. They are needed because a
	// record has the user principal name at the time of the event.
	Names []string
}

// AuditCounts summarise what was read from the audit log.
type AuditCounts struct {
	Name    string // Audit.By
	Records int    // records read, each counted once
	Made    int    // records of a created pass
	By      int    // records of a pass created by Name, or all of Made if Name is empty

	// Odd are records of a created pass without its user or time, or without its creator
	// if Audit.By is set. They are left out.
	Odd Listed[string]

	// Replaced are passes of these users that Name did not create.
	Replaced Listed[Replaced]
}

// Listed is a number of things, and the first of them.
type Listed[T any] struct {
	Count int
	First []T // at most 20
}

func (l *Listed[T]) add(one T) {
	if l.Count++; len(l.First) < 20 {
		l.First = append(l.First, one)
	}
}

// Replaced is a pass that was created after the one that Audit.By had created for the same
// user. A user has at most one pass, so it replaced the earlier one.
type Replaced struct {
	User, UPN string    // UPN is empty if not known
	Made      time.Time // when Audit.By created a pass, from the last record of it
	At        time.Time // when the other pass was created
	By        string    // who created the other pass; empty if no record says so
}

// query returns the URL of the first page. No page of the documentation says that resultReason
// can be filtered, so it is filtered here.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func (a *Audit) query() string {
	filter := "activityDateTime ge " + a.Since.UTC().Format("2006-01-02T15:04:05Z") +
		" and loggedByService eq 'Authentication Methods'"
	return fmt.Sprintf("/auditLogs/directoryAudits?$filter=%s&$top=%d", escape(filter), pageSize)
}

// auditFindings holds the users that the audit log names.
type auditFindings struct {
	by     map[string]bool // the creator's names in lower case; empty means any creator
	counts AuditCounts
	seed   maphash.Seed
	read   map[uint64]struct{} // ids of records, by hash
	order  []string
	made   map[string]span     // by object id: when the creator in question created passes for the user
	last   map[string]creation // by object id: the user's last pass by anybody, if by is not empty
	names  map[string]string   // UPN by object id
}

// span is the time from a user's first record to the last one.
type span struct{ first, last time.Time }

// A creation is when a pass was created, and who created it.
type creation struct {
	at  time.Time
	who string
}

func newAuditFindings(a *Audit) *auditFindings {
	f := &auditFindings{by: make(map[string]bool), seed: maphash.MakeSeed(), read: make(map[uint64]struct{}),
		made: make(map[string]span), last: make(map[string]creation), names: make(map[string]string)}
	f.counts.Name = strings.TrimSpace(a.By)
	for _, name := range append([]string{a.By}, a.Names...) {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			f.by[name] = true
		}
	}
	return f
}

// A record is an entry of the audit log.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
type record struct {
	ID       string `json:"id"`
	Time     string `json:"activityDateTime"`
	Activity string `json:"activityDisplayName"`
	Result   string `json:"result"`
	Reason   string `json:"resultReason"`
	By       struct {
		User *struct {
			ID  string `json:"id"`
			UPN string `json:"userPrincipalName"`
		} `json:"user"`
		App *struct {
			AppID     string `json:"appId"`
			Name      string `json:"displayName"`
			Principal string `json:"servicePrincipalId"`
		} `json:"app"`
	} `json:"initiatedBy"`
	Targets []struct {
		ID   string `json:"id"`
		UPN  string `json:"userPrincipalName"`
		Type string `json:"type"`
	} `json:"targetResources"`
}

// creates reports whether the record says that a pass was created. The texts were seen in more
// than one form, so only parts of them are compared.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ rules/cloud/azure/audit_logs/azure_tap_added.yml.
func (r *record) creates() bool {
	return strings.Contains(strings.ToLower(r.Activity), "registered security info") &&
		strings.Contains(strings.ToLower(r.Reason), "temporary access pass") &&
		!strings.EqualFold(r.Result, "failure")
}

// initiator returns all names in the record of who did it. The first one is the best to show
// to people.
func (r *record) initiator() (names []string) {
	if u := r.By.User; u != nil {
		names = append(names, u.UPN, u.ID)
	}
	if a := r.By.App; a != nil {
		names = append(names, a.Name, a.AppID, a.Principal)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// add adds a record, and reports whether it is new. It counts a record that cannot be used.
// Such a record must not end the scan, because other records name users who have a pass.
func (f *auditFindings) add(raw json.RawMessage) (fresh bool) {
	var r record
	_ = json.Unmarshal(raw, &r) // values of another type are skipped; the others are decoded
	key := maphash.String(f.seed, cmp.Or(r.ID, string(raw)))
	if _, again := f.read[key]; again {
		return false
	}
	f.read[key] = struct{}{}
	f.counts.Records++
	if !r.creates() {
		return true
	}
	f.counts.Made++
	who := r.initiator()
	at, err := time.Parse(time.RFC3339, r.Time)
	whose := len(r.Targets) > 0 && isID(r.Targets[0].ID)
	if whose && err == nil {
		f.note(strings.ToLower(r.Targets[0].ID), at, who)
	}
	theirs := len(f.by) == 0 || slices.ContainsFunc(who, func(name string) bool { return f.by[strings.ToLower(name)] })
	if !theirs && len(who) > 0 {
		return true
	}
	if !whose || err != nil || !theirs {
		f.counts.Odd.add(safetext.Printable(cmp.Or(r.ID, "(a record without an id)")))
		return true
	}
	f.counts.By++
	f.find(strings.ToLower(r.Targets[0].ID), r.Targets[0].UPN, at)
	return true
}

// note records who created the user's last pass, if a creator is being looked for.
func (f *auditFindings) note(id string, at time.Time, who []string) {
	if last, known := f.last[id]; len(f.by) > 0 && len(who) > 0 && (!known || at.After(last.at)) {
		f.last[id] = creation{at, shown(who[0])}
	}
}

// find adds a user for whom the creator in question created a pass.
func (f *auditFindings) find(id, upn string, at time.Time) {
	s, known := f.made[id]
	if !known {
		f.order = append(f.order, id)
		s = span{at, at}
	}
	if at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
	f.made[id] = s
	if upn != "" {
		f.names[id] = shown(upn)
	}
}

// recordSlack is the maximum difference between the time of a pass and the time of its record.
const recordSlack = 5 * time.Minute

// auditTargets returns the users in the audit log. A pass created before the first record is
// not a pass of the log.
func (s *Scan) auditTargets() (list []target) {
	for _, id := range s.audit.order {
		if !s.markSeen(id) {
			continue
		}
		made := s.audit.made[id]
		t := target{name: id, upn: s.audit.names[id], look: s.filtersAccounts(), since: made.first.Add(-recordSlack)}
		if len(s.audit.by) > 0 {
			t.made = made.last
		}
		list = append(list, t)
	}
	return list
}

// replaced reports whether a pass is later than every pass that Audit.By created for its user,
// by more than recordSlack. Then somebody else created it, or its record has not arrived yet.
// If Audit.By is empty, replaced returns false.
func (t *target) replaced(p *pass.Pass) bool {
	return !t.made.IsZero() && !p.Created.IsZero() && p.Created.After(t.made.Add(recordSlack))
}

// noteReplaced counts a pass that is left out because another person created it.
func (s *Scan) noteReplaced(p *pass.Pass, t *target) {
	r := Replaced{User: t.name, UPN: t.upn, Made: t.made, At: p.Created}
	last := s.audit.last[strings.ToLower(t.name)]
	if last.at.Sub(p.Created).Abs() <= recordSlack {
		r.By = last.who
	}
	s.audit.counts.Replaced.add(r)
}

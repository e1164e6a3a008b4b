package scan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"
	"unique"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/input"
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

	// IDsMatch says that a pass was found earlier under the id in its record, so the ids in records
	// are those of passes.
	IDsMatch bool
}

// AuditCounts summarise what was read from the audit log.
type AuditCounts struct {
	Name     string         // Audit.By
	Records  int            // records read, each counted once
	Made     int            // passes that were created, as far as the records tell passes apart
	By       int            // of these, passes created by Name, or all if Name is empty
	Creators []format.Count // who created the most of Made, at most five
	Others   int            // passes by the other creators
	There    int            // passes that a LIST shows, of those in By

	// Odd are records of a created pass that cannot be used, or whose pass id cannot be read.
	// Without its user or time, or without its creator if Audit.By is set, a record is left
	// out. Without a pass id, a record is matched by time.
	Odd Examples[string]

	// Gone are users in By who hold no pass any more. Unlisted are those who hold a pass that no
	// record by Name is about. Doubtful is how many of these passes may be by Name.
	Gone     Examples[string]
	Unlisted Examples[Unlisted]
	Doubtful int

	// NoID is how many users OnGone has not received, because no record has the id of their pass.
	NoID int
}

// Examples are the number of things, and the first of them.
type Examples[T any] struct {
	Count int
	First []T // at most 20
}

func (l *Examples[T]) add(one T) {
	if l.Count++; len(l.First) < 20 {
		l.First = append(l.First, one)
	}
}

// Unlisted is a pass that Audit.By created for a user and that is not listed under its id. A user
// has at most one pass, so the one that the user holds replaced it.
type Unlisted struct {
	User, UPN string    // UPN is empty if not known
	Made      time.Time // when Audit.By created a pass, from the last record of it
	At        time.Time // when the pass that the user holds was created; zero if not known
	By        string    // who created that pass; empty if no record says so
	Doubtful  bool      // it may be the same pass, or another one by Audit.By
}

// queries returns URLs of the first page, the best one first. Graph is not known to combine the
// filters in every tenant: if it refuses one URL, the scan tries the next and filters here.
// No page of the documentation says that resultReason can be filtered. The creator can be, but
// then no record would say who replaced a pass, and a record without a creator would be missed.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func (a *Audit) queries() []string {
	all := fmt.Sprintf("/auditLogs/directoryAudits?$top=%d", pageSize)
	since := "activityDateTime ge " + a.Since.UTC().Format("2006-01-02T15:04:05Z")
	return []string{all + "&$filter=" + escape(since+" and loggedByService eq 'Authentication Methods'"),
		all + "&$filter=" + escape(since), all}
}

// auditFindings holds the users that the audit log names.
type auditFindings struct {
	since    time.Time
	by       map[string]bool // the creator's names in lower case; empty means any creator
	counts   AuditCounts
	creators map[string]int // passes by creator
	seed     maphash.Seed
	read     map[uint64]struct{} // ids of records, by hash
	order    []string
	records  map[string][]making // by object id of the user
	names    map[string]string   // UPN by object id

	proven  bool // a LIST has shown a pass under the id in its record, so the ids are those of passes
	waiting []waiting
}

func newAuditFindings(a *Audit) *auditFindings {
	f := &auditFindings{by: make(map[string]bool), seed: maphash.MakeSeed(), read: make(map[uint64]struct{}),
		creators: make(map[string]int), records: make(map[string][]making), names: make(map[string]string),
		since: a.Since.Truncate(time.Second), proven: a.IDsMatch}
	f.counts.Name = strings.TrimSpace(a.By)
	for _, name := range append([]string{a.By}, a.Names...) {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			f.by[name] = true
		}
	}
	return f
}

// summary returns the counts, with the creators of the most passes.
func (f *auditFindings) summary() *AuditCounts {
	c := f.counts
	all := format.Counts(f.creators)
	c.Creators = all[:min(len(all), 5)]
	for _, other := range all[len(c.Creators):] {
		c.Others += other.N
	}
	return &c
}

// A directoryAudit is an entry of the audit log.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
type directoryAudit struct {
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
		ID         string `json:"id"`
		UPN        string `json:"userPrincipalName"`
		Properties []struct {
			Name string `json:"displayName"`
			New  string `json:"newValue"`
		} `json:"modifiedProperties"`
	} `json:"targetResources"`
}

// creates reports whether the record says that a pass was created. The texts were seen in more
// than one form, so only parts of them are compared.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ rules/cloud/azure/audit_logs/azure_tap_added.yml.
func (r *directoryAudit) creates() bool {
	return strings.Contains(strings.ToLower(r.Activity), "registered security info") &&
		strings.Contains(strings.ToLower(r.Reason), "temporary access pass") &&
		!strings.EqualFold(r.Result, "failure")
}

// initiator returns all names in the record of who did it. The first one is the best to show
// to people.
func (r *directoryAudit) initiator() (names []string) {
	if u := r.By.User; u != nil {
		names = append(names, u.UPN, u.ID)
	}
	if a := r.By.App; a != nil {
		names = append(names, a.Name, a.AppID, a.Principal)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// noID is the id in a record that names no pass.
const noID = "00000000-0000-0000-0000-000000000000"

// readPass reads what the record says about the pass, and reports whether it has a pass id that
// cannot be read. A name was seen with one and with two prefixes. A value is JSON in a string.
// Source: a record of 2022-06-27 in a public thesis; nicolonsky/ITDR,
// Queries/Entra-TAP-Issuance.md, 342c663.
func (r *directoryAudit) readPass(m *making) (unreadable bool) {
	for _, p := range r.Targets[0].Properties {
		name := strings.ToLower(p.Name)
		value := p.New
		if json.Unmarshal([]byte(p.New), &value) != nil {
			value = p.New
		}
		switch field := name[strings.LastIndexByte(name, '.')+1:]; {
		case !strings.HasPrefix(name, "temporaryaccesspass."), value == "", field == "id" && value == noID:
		case field == "id" && input.CheckMethod(value) == nil:
			m.id = value
		case field == "id":
			unreadable = true
		case field == "startdatetime":
			m.start, _ = time.Parse(time.RFC3339, value)
		case field == "enddatetime", field == "endtime":
			m.end, _ = time.Parse(time.RFC3339, value)
		}
	}
	return unreadable
}

// add adds a record, and reports whether it is new. It counts a record that cannot be used.
// Such a record must not end the scan, because other records name users who have a pass.
func (f *auditFindings) add(raw json.RawMessage) (fresh bool) {
	var r directoryAudit
	_ = json.Unmarshal(raw, &r) // values of another type are skipped; the others are decoded
	key := maphash.String(f.seed, cmp.Or(r.ID, string(raw)))
	if _, again := f.read[key]; again {
		return false
	}
	f.read[key] = struct{}{}
	f.counts.Records++
	at, err := time.Parse(time.RFC3339, r.Time)
	if !r.creates() || err == nil && at.Before(f.since) {
		return true
	}
	who := r.initiator()
	m := making{theirs: len(f.by) == 0 ||
		slices.ContainsFunc(who, func(name string) bool { return f.by[strings.ToLower(name)] })}
	m.At, m.AuditID, m.Match = at, shown(cmp.Or(r.ID, "(a record without an id)")), input.MatchTime
	if len(who) > 0 {
		m.Creation.By = unique.Make(shown(who[0])).Value() // few people create many passes
	}
	usable := len(r.Targets) > 0 && isID(r.Targets[0].ID) && err == nil && (len(f.by) == 0 || len(who) > 0)
	odd := !usable || r.readPass(&m)
	if odd && (m.theirs || len(who) == 0) {
		f.counts.Odd.add(m.AuditID)
	}
	if usable && !f.keep(strings.ToLower(r.Targets[0].ID), r.Targets[0].UPN, m) {
		return true // of a pass that was counted
	}
	f.counts.Made++
	if m.theirs {
		f.counts.By++
	}
	f.creators[cmp.Or(m.Creation.By, "(not named)")]++
	return true
}

// keep keeps what a record says about a pass of a user. It reports whether the pass is new. Of
// several records about one pass, one by Audit.By counts.
func (f *auditFindings) keep(user, upn string, m making) (fresh bool) {
	list := f.records[user]
	isTheirs := func(other making) bool { return other.theirs }
	at := slices.IndexFunc(list, func(other making) bool { return m.id != "" && strings.EqualFold(m.id, other.id) })
	if at >= 0 && (list[at].theirs || !m.theirs) {
		return false
	}
	if m.theirs && !slices.ContainsFunc(list, isTheirs) {
		f.order = append(f.order, user)
	}
	if upn != "" {
		f.names[user] = shown(upn)
	}
	if at >= 0 {
		list[at] = m
		f.counts.By++
		return false
	}
	f.records[user] = append(list, m)
	return true
}

// auditTargets returns the users in the audit log.
func (s *scanner) auditTargets() (list []userToList) {
	for _, id := range s.audit.order {
		if s.markSeen(id) {
			list = append(list, userToList{name: id, upn: s.audit.names[id], look: s.filtersAccounts()})
		}
	}
	return list
}

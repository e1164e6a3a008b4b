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

// Audit finds passes in the directory audit log. A record shows for whom a pass was created, when and by whom.
// Records appear some minutes late. The log keeps them for 30 days; without a license, for 7 days.
// Source: learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention.
type Audit struct {
	// By is the creator of the pass: the object ID or UPN of a user, or the app ID, service principal ID or
	// display name of an app. Empty means any creator.
	By string

	// Names has further names of the user By, from a lookup. They are needed because a record has the user
	// principal name at the time of the event.
	Names []string

	// IDsMatch says that a pass was found earlier under the id in its record, so the ids in records
	// are those of passes.
	IDsMatch bool
}

// AuditCounts are the totals of the audit log.
type AuditCounts struct {
	Name     string         // Audit.By
	Records  int            // records read, each counted once
	Made     int            // created passes; two records that may be about one pass count once
	By       int            // how many of these Name created; all if Name is empty
	Creators []format.Count // the creators of the most passes, at most five
	Others   int            // passes by all other creators
	There    int            // how many of the passes in By a LIST shows
	NotKnown int            // users with passes in By whose passes could not be listed

	// Odd has the records of created passes that lack a readable user, time, creator or pass ID. The creator counts
	// only if Audit.By is set. A record that lacks only the pass ID is matched by time. The others are skipped.
	Odd Examples[string]

	// Gone has the users counted in By who hold no pass now. Unlisted has those whose current pass matches no record
	// by Name. Doubtful is how many passes in Unlisted Name may still have created.
	Gone     Examples[string]
	Unlisted Examples[Unlisted]
	Doubtful int

	// NoID has users whose pass OnGone or OnNotKnown did not receive, because no record has its ID.
	NoID Examples[string]
}

// Examples is a number of values, and the first of them.
type Examples[T any] struct {
	Count int
	First []T // at most 20
}

func (l *Examples[T]) add(one T) {
	if l.Count++; len(l.First) < 20 {
		l.First = append(l.First, one)
	}
}

// Unlisted is a pass that Audit.By created, but that no LIST shows under its ID. A user has at most one pass, so the
// pass that the user holds replaced it.
type Unlisted struct {
	User, UPN string    // UPN is empty if not known
	Made      time.Time // when Audit.By created the pass, from its last record
	At        time.Time // when the pass that the user holds was created; zero if not known
	By        string    // who created that pass; empty if no record shows it
	Doubtful  bool      // the pass that the user holds may be the same pass
}

// queries returns URLs of the first page of records since a time, the best one first. Graph may not be able to combine
// the filters in every tenant. If it refuses one URL, the scan tries the next, and filters the records itself. The
// documentation does not mention a filter for resultReason. A filter for the creator exists, but then no record would
// show who replaced a pass, and records without a creator would be missing.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func queries(from time.Time) []string {
	all := fmt.Sprintf("/auditLogs/directoryAudits?$top=%d", pageSize)
	since := "activityDateTime ge " + from.UTC().Format("2006-01-02T15:04:05Z")
	return []string{all + "&$filter=" + escape(since+" and loggedByService eq 'Authentication Methods'"),
		all + "&$filter=" + escape(since), all}
}

// auditFindings holds what the scan has read from the audit log.
type auditFindings struct {
	since    time.Time
	by       map[string]bool // the creator's names in lower case; empty means any creator
	counts   AuditCounts
	creators map[string]int // passes by creator
	seed     maphash.Seed
	read     map[uint64]struct{} // ids of records, by hash
	order    []string
	records  map[string][]making // by object ID of the user
	names    map[string]string   // UPN by object ID

	idsArePassIDs bool // a LIST has shown a pass under the id in its record, so the ids are those of passes
	waiting       []waiting
}

func newAuditFindings(a *Audit, since time.Time) *auditFindings {
	f := &auditFindings{by: make(map[string]bool), seed: maphash.MakeSeed(), read: make(map[uint64]struct{}),
		creators: make(map[string]int), records: make(map[string][]making), names: make(map[string]string),
		since: since.Truncate(time.Second), idsArePassIDs: a.IDsMatch}
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

// creates reports whether the record is about a pass that was created. The texts exist in more than one form, so
// only parts of them are compared.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ rules/cloud/azure/audit_logs/azure_tap_added.yml.
func (r *directoryAudit) creates() bool {
	return strings.Contains(strings.ToLower(r.Activity), "registered security info") &&
		strings.Contains(strings.ToLower(r.Reason), "temporary access pass") &&
		!strings.EqualFold(r.Result, "failure")
}

// initiator returns all names of the creator in the record. The first one is the best for people.
func (r *directoryAudit) initiator() (names []string) {
	if u := r.By.User; u != nil {
		names = append(names, u.UPN, u.ID)
	}
	if a := r.By.App; a != nil {
		names = append(names, a.Name, a.AppID, a.Principal)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// noID is the ID in a record that names no pass.
const noID = "00000000-0000-0000-0000-000000000000"

// readPass reads the properties of the pass from the record, and reports whether the record has a pass ID that
// cannot be read. Property names exist with one and with two prefixes. A value is JSON in a string.
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

// add adds a record, and reports whether it is new. It counts a record that cannot be used. Such a record does not
// end the scan, because other records name users who have a pass.
func (f *auditFindings) add(raw json.RawMessage) (fresh bool, err error) {
	var r directoryAudit
	_ = json.Unmarshal(raw, &r) // values of another type are skipped; the others are decoded
	key := maphash.String(f.seed, cmp.Or(r.ID, string(raw)))
	if _, again := f.read[key]; again {
		return false, nil
	}
	f.read[key] = struct{}{}
	f.counts.Records++
	at, err := time.Parse(time.RFC3339, r.Time)
	if !r.creates() || err == nil && at.Before(f.since) {
		return true, nil
	}
	who := r.initiator()
	m := making{theirs: len(f.by) == 0 ||
		slices.ContainsFunc(who, func(name string) bool { return f.by[strings.ToLower(name)] })}
	m.At, m.AuditID, m.Match = at, shown(cmp.Or(r.ID, "(a record without an id)")), input.MatchTime
	if len(who) > 0 {
		m.Creation.By = unique.Make(shown(who[0])).Value() // few people create many passes, so their names share memory
	}
	usable := len(r.Targets) > 0 && isID(r.Targets[0].ID) && err == nil && (len(f.by) == 0 || len(who) > 0)
	odd := !usable || r.readPass(&m)
	if odd && (m.theirs || len(who) == 0) {
		f.counts.Odd.add(m.AuditID)
	}
	if usable && !f.keep(strings.ToLower(r.Targets[0].ID), r.Targets[0].UPN, m) {
		return true, nil // of a pass that was counted
	}
	f.counts.Made++
	if m.theirs {
		f.counts.By++
	}
	f.creators[cmp.Or(m.Creation.By, "(not named)")]++
	return true, nil
}

// keep keeps a record about a pass of a user, and reports whether the pass is new. If several records are about one
// pass, a record by Audit.By counts.
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

package scan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/testdata/assert"
)

var (
	mallory  = &graphsim.Actor{UPN: "mallory@contoso.com"}
	helpdesk = &graphsim.Actor{UPN: "helpdesk@contoso.com"}
)

// audited returns a tenant with an audit log, mallory, a help desk and further users.
func audited(opts graphsim.Options, users ...graphsim.User) *graphsim.Tenant {
	opts.Audit = true
	return tenantOf(opts, append(users, graphsim.User{UPN: mallory.UPN}, graphsim.User{UPN: helpdesk.UPN})...)
}

// made returns a pass that an actor created some time ago.
func made(by *graphsim.Actor, ago time.Duration) []graphsim.Pass {
	return []graphsim.Pass{{Created: time.Now().Add(-ago), LifetimeMinutes: 480, CreatedBy: by}}
}

// since returns the options of a scan for the passes that by created.
func since(ago time.Duration, by string) Options {
	return Options{CreatedSince: time.Now().Add(-ago), Audit: &Audit{By: by}}
}

const (
	danaID  = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	passID  = "3d38627e-1111-4222-8333-000000000001" // of the pass that dana holds
	listed  = `"` + passID + `"`                     // in a record
	another = `"3d38627e-1111-4222-8333-000000000002"`
	hour    = time.Hour // the age of dana's pass
	nearly  = hour + 4*time.Minute
)

// A registered is a record that somebody created a pass for dana.
type registered struct {
	by    *graphsim.Actor
	ago   time.Duration
	id    string // JSON; empty if the record has none
	long  bool   // the names of the properties have two prefixes
	dated bool   // with the start and the end of the pass
	lasts int    // hours from the start to the end, 8 if it is 0
}

func (r registered) entry() graphsim.AuditEntry {
	prefix := "TemporaryAccessPass."
	if r.long {
		prefix += prefix
	}
	at := time.Now().Add(-r.ago)
	e := graphsim.AuditEntry{Time: at, Service: graphsim.PassService, By: *r.by,
		Activity: "Admin registered security info",
		Reason:   "Admin registered temporary access pass method for user",
		TargetID: danaID, TargetUPN: "dana@contoso.com", Properties: map[string]string{}}
	if r.id != "" {
		e.Properties[prefix+"Id"] = r.id
	}
	if r.dated {
		e.Properties[prefix+"StartDateTime"] = at.UTC().Format(`"` + time.RFC3339 + `"`)
		end := at.Add(time.Duration(cmp.Or(r.lasts, 8)) * time.Hour)
		e.Properties[prefix+"EndDateTime"] = end.UTC().Format(`"` + time.RFC3339 + `"`)
	}
	return e
}

// A whoseCase is a log, and what a scan finds with it.
type whoseCase struct {
	name          string
	log           []registered
	noPass        bool   // dana holds no pass
	idsArePassIDs bool   // the record of erik's pass shows that the IDs are those of passes
	want          string // the pass of dana, if the scan finds it
	instead       string // who created the pass that is left out, "?" if no record shows it
	more          string // the count that is 1
}

const (
	hersByID   = "dana usable: mallory@contoso.com by id"
	hersByTime = "dana usable: mallory@contoso.com by time, not by id"
)

// hersCases are scans for mallory's passes.
var hersCases = []whoseCase{
	{name: "the record names it", log: []registered{{by: mallory, ago: hour, id: listed}}, want: hersByID},
	{name: "in the other spelling", log: []registered{{by: mallory, ago: hour, id: listed, long: true}},
		want: hersByID},
	{name: "in capitals", log: []registered{{by: mallory, ago: hour, id: strings.ToUpper(listed)}}, want: hersByID},
	{name: "hers after another of hers", want: hersByID,
		log: []registered{{by: mallory, ago: 2 * hour, id: another}, {by: mallory, ago: hour, id: listed}}},
	{name: "hers, and the time is far off", log: []registered{{by: mallory, ago: 10 * hour, id: listed}},
		want: hersByID},
	{name: "a second record of the same pass, by another", want: hersByID,
		log: []registered{{by: mallory, ago: hour, id: listed}, {by: helpdesk, ago: hour, id: listed}}},
	{name: "a first record of the same pass, by another", want: hersByID,
		log: []registered{{by: helpdesk, ago: hour, id: listed}, {by: mallory, ago: hour, id: listed}}},
	{name: "no id", log: []registered{{by: mallory, ago: hour}}, want: hersByTime},
	{name: "an id that is broken", log: []registered{{by: mallory, ago: hour, id: `"3d38627e-`}}, want: hersByTime,
		more: "odd"},
	{name: "an id that is no GUID", log: []registered{{by: mallory, ago: hour, id: `"7"`}}, want: hersByTime,
		more: "odd"},
	{name: "no ids, and the help desk's record is nearer", instead: helpdesk.UPN,
		log: []registered{{by: mallory, ago: nearly}, {by: helpdesk, ago: hour}}},
	{name: "no ids, and her record is nearer than a later one", want: hersByTime,
		log: []registered{{by: mallory, ago: hour}, {by: helpdesk, ago: hour - 4*time.Minute}}},
	{name: "no id, and the record is six minutes off", log: []registered{{by: mallory, ago: hour + 6*time.Minute}},
		instead: "?"},
	{name: "gone", log: []registered{{by: mallory, ago: hour, id: another}}, noPass: true, more: "gone"},
	{name: "gone, as is a later one of the help desk", noPass: true, more: "gone",
		log: []registered{{by: mallory, ago: 2 * hour, id: another}, {by: helpdesk, ago: hour, id: listed}}},
	{name: "older than the record", log: []registered{{by: mallory, ago: time.Minute, id: another}}, more: "older"},
	{name: "replaced by the help desk", instead: helpdesk.UPN,
		log: []registered{{by: mallory, ago: nearly, id: another}, {by: helpdesk, ago: hour, id: listed}}},
	{name: "replaced, nobody knows by whom", log: []registered{{by: mallory, ago: 2 * hour, id: another}},
		instead: "?"},
	{name: "another id and other dates", log: []registered{{by: mallory, ago: nearly, id: another, dated: true}},
		instead: "?", more: "doubtful"},
	{name: "the id of nothing", log: []registered{{by: mallory, ago: hour, id: noID}}, want: hersByTime},
	{name: "the id of nothing, and ids are those of passes", idsArePassIDs: true, want: hersByTime,
		log: []registered{{by: mallory, ago: hour, id: noID}}},
	{name: "another id and the dates of the pass", want: hersByTime,
		log: []registered{{by: mallory, ago: hour, id: another, dated: true}}},
	{name: "another id and another end", instead: "?", more: "doubtful",
		log: []registered{{by: mallory, ago: hour, id: another, dated: true, lasts: 1}}},
	{name: "another id and its dates, and ids are those of passes", idsArePassIDs: true, instead: "?",
		more: "doubtful", log: []registered{{by: mallory, ago: hour, id: another, dated: true}}},
	{name: "another id and no dates", log: []registered{{by: mallory, ago: hour, id: another}}, instead: "?",
		more: "doubtful"},
	{name: "another id and no dates, and ids are those of passes", idsArePassIDs: true, instead: "?",
		more: "doubtful", log: []registered{{by: mallory, ago: hour, id: another}}},
}

// anybodysCases are scans for the passes of anybody.
var anybodysCases = []whoseCase{
	{name: "the help desk's", want: "dana usable: helpdesk@contoso.com by id",
		log: []registered{{by: mallory, ago: nearly, id: another}, {by: helpdesk, ago: hour, id: listed}}},
	{name: "nobody knows whose", log: []registered{{by: mallory, ago: 2 * hour, id: another}},
		want: "dana usable: - by time, not by id"},
	{name: "gone", log: []registered{{by: mallory, ago: hour, id: another}}, noPass: true, more: "gone"},
}

// A scan chooses a pass by the ID in its record. Whatever else the log says, each pass that is left out is counted, and
// no pass counts as that of another creator.
func TestWhosePass(t *testing.T) {
	for by, tests := range map[string][]whoseCase{mallory.UPN: hersCases, "": anybodysCases} {
		for _, tt := range tests {
			t.Run(tt.name+", by "+cmp.Or(by, "anybody"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { tt.test(t, by) })
			})
		}
	}
}

func (tt whoseCase) test(t *testing.T, by string) {
	dana := graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: made(nil, hour)}
	dana.Passes[0].ID = passID
	if tt.noPass {
		dana.Passes = nil
	}
	tenant := audited(graphsim.Options{}, dana)
	eriks := ""
	if tt.idsArePassIDs {
		tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, hour)})
		eriks = "erik usable: mallory@contoso.com by id"
	}
	for _, r := range tt.log {
		tenant.AddAudit(r.entry())
	}
	opts := since(24*time.Hour, by)
	opts.OnGone = func(f *Found) {
		theirs := func(r registered) bool { return (by == "" || r.by.UPN == by) && r.id == strconv.Quote(f.ID) }
		assert.That(t, slices.ContainsFunc(tt.log, theirs), "the pass %s is gone, and %q did not create it", f.ID, by)
	}
	s := look(t, tenant, opts)
	danas := strings.TrimSuffix(strings.TrimSuffix(s.found, eriks), ", ")
	assert.Is(t, "the scan", s.err, nil)
	assert.Same(t, "found", danas, tt.want)
	instead := ""
	for _, u := range s.Audit.Unlisted.First {
		instead = cmp.Or(u.By, "?")
	}
	assert.Same(t, "creator of the pass that is left out", instead, tt.instead)
	for what, n := range map[string]int{"odd": s.Audit.Odd.Count, "gone": s.Audit.Gone.Count, "older": s.Older,
		"doubtful": s.Audit.Doubtful} {
		assert.Same(t, what+" is 1", n == 1, what == tt.more)
	}
	if tt.want != "" {
		assert.Same(t, "matched by time", s.ByTime == 1, strings.HasSuffix(tt.want, "by time, not by id"))
	}
}

// A record that has the ID of one pass of a user does not choose another pass with the same dates.
func TestSecondPassWithTheDatesOfARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := slices.Concat(made(nil, hour), made(nil, hour))
		both[0].ID = passID
		tenant := audited(graphsim.Options{}, graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: both})
		tenant.AddAudit(registered{by: mallory, ago: hour, id: listed, dated: true}.entry())
		s := look(t, tenant, since(24*time.Hour, mallory.UPN))
		s.finds(t, hersByID)
	})
}

// An Unlisted has the times at which both passes were created: the one that is gone, and the one in its place.
func TestReplacedPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := audited(graphsim.Options{}, graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, 0)})
		time.Sleep(30 * time.Minute)
		hers := time.Now()
		tenant.GivePass("dana@contoso.com", graphsim.Pass{CreatedBy: mallory})
		time.Sleep(90 * time.Minute)
		theirs := time.Now()
		tenant.GivePass("dana@contoso.com", graphsim.Pass{CreatedBy: helpdesk})
		s := look(t, tenant, since(24*time.Hour, mallory.UPN))
		assert.OK(t, s.err)
		if s.Audit.Unlisted.Count != 1 {
			t.Fatalf("%d passes were replaced, want 1", s.Audit.Unlisted.Count)
		}
		u := s.Audit.Unlisted.First[0]
		assert.Same(t, "user", u.UPN, "dana@contoso.com")
		assert.Same(t, "hers was created", u.Made.UTC(), hers.UTC())
		assert.Same(t, "the one in its place was created", u.At.UTC(), theirs.UTC())
	})
}

// If the passes of a user cannot be listed, nobody knows whether the pass in the record still exists.
func TestPassesOfUsersWhoCannotBeScanned(t *testing.T) {
	for _, tt := range []struct {
		name     string
		log      []registered
		want     string // the IDs that OnNotKnown receives
		notKnown int
		noID     int
	}{
		{"hers", []registered{{by: mallory, ago: hour, id: listed}}, passID, 1, 0},
		{"her last one", []registered{{by: mallory, ago: hour, id: listed}, {by: mallory, ago: 2 * hour, id: another}},
			passID, 1, 0},
		{"no id", []registered{{by: mallory, ago: hour}}, "", 1, 1},
		{"of the help desk", []registered{{by: helpdesk, ago: hour, id: listed}}, "", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := audited(graphsim.Options{}, graphsim.User{ID: danaID, UPN: "dana@contoso.com", Privileged: true})
			for _, r := range tt.log {
				tenant.AddAudit(r.entry())
			}
			opts := since(24*time.Hour, mallory.UPN)
			var got []string
			opts.OnNotKnown = func(f *Found) { got = append(got, f.ID) }
			s := look(t, tenant, opts)
			assert.OK(t, s.err)
			assert.Same(t, "passes that are not known", strings.Join(got, " "), tt.want)
			assert.Same(t, "the number of them", s.Audit.NotKnown, tt.notKnown)
			assert.Same(t, "users without an ID", s.Audit.NoID.Count, tt.noID)
			assert.Same(t, "users who could not be scanned", strings.Join(s.Failed.First, " ") != "", tt.notKnown > 0)
		})
	}
}

// If Graph refuses a filter, the scan asks for more and filters itself.
func TestAuditFilterIsRefused(t *testing.T) {
	refusing := func(part string) fault.Fault { return fault.Fault{Path: part, Do: fault.ItemStatus(400)} }
	for _, tt := range []struct {
		name    string
		faults  []fault.Fault
		records int // that are read; 0 means that the log cannot be read
	}{
		{"no filter", nil, 1},
		{"the service", []fault.Fault{refusing("loggedByService")}, 2},
		{"the time as well", []fault.Fault{refusing("activityDateTime")}, 3},
		{"everything", []fault.Fault{refusing("directoryAudits")}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := audited(faulty(tt.faults...),
				graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, time.Hour)},
				graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, 48*time.Hour)})
			tenant.AddAudit(graphsim.AuditEntry{Time: time.Now().Add(-time.Hour)}) // of another service
			s := look(t, tenant, since(24*time.Hour, mallory.UPN))
			if tt.records == 0 {
				s.fails(t, "400")
			} else {
				s.finds(t, "dana usable: mallory@contoso.com by id")
			}
			assert.Same(t, "audit records", s.Audit.Records, tt.records)
		})
	}
}

// Records are counted once, although pages are read again.
func TestAuditIsCounted(t *testing.T) {
	for _, tt := range []struct {
		name, by string
		names    []string
		want     int
	}{
		{"by mallory", "MALLORY@contoso.com", nil, 2},
		{"by somebody else", "eve@contoso.com", nil, 0},
		{"by anybody", "", nil, 3},
		{"by another name of mallory", "m@contoso.com", []string{"Mallory@contoso.com"}, 2},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := audited(faulty(fault.Fault{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(410)}),
				graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, time.Hour)},
				graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, time.Hour)},
				graphsim.User{UPN: "femi@contoso.com", Passes: made(helpdesk, time.Hour)})
			for i := range 2000 {
				tenant.AddAudit(graphsim.AuditEntry{Time: time.Now().Add(-time.Duration(i) * time.Second),
					Service: graphsim.PassService, Reason: "User registered Authenticator App", TargetID: "x"})
			}
			opts := since(24*time.Hour, tt.by)
			opts.Audit.Names = tt.names
			s := look(t, tenant, opts)
			assert.OK(t, s.err)
			assert.Equal(t, "totals of the audit log", s.Audit, &AuditCounts{Name: tt.by, Records: 2003, Made: 3,
				By: tt.want, There: tt.want, Creators: []format.Count{{Name: mallory.UPN, N: 2},
					{Name: helpdesk.UPN, N: 1}}})
			assert.Same(t, "passes found", s.Found, tt.want)
			assert.Same(t, "LISTs", tenant.Stats().Lists, tt.want)
		}))
	}
}

// registration returns an audit entry with the time and texts of a record about a created pass.
func registration(a graphsim.AuditEntry) graphsim.AuditEntry {
	whole := registered{by: &a.By, ago: time.Minute}.entry()
	a.Time, a.Service, a.Activity, a.Reason = whole.Time, whole.Service, whole.Activity, whole.Reason
	return a
}

// rawRecords returns the options of a tenant whose log has this record and a valid one.
func rawRecords(record string) graphsim.Options {
	good := `{"id":"good","activityDateTime":"` + time.Now().UTC().Format(time.RFC3339) + `",` +
		`"activityDisplayName":"Admin registered security info","resultReason":"temporary access pass",` +
		`"initiatedBy":{"user":{"userPrincipalName":"mallory@contoso.com"}},"targetResources":[{"id":"` + danaID +
		`"}]}`
	return faulty(fault.Fault{Path: "/auditLogs/", Do: fault.ItemBody(`{"value":[` + record + `,` + good + `]}`)})
}

// A record that cannot be used is counted, and does not end the scan.
func TestOddRecords(t *testing.T) {
	const (
		broken = `{"id":"odd-1","activityDisplayName":"Admin registered security info",` +
			`"resultReason":"temporary access pass",`
		target = `"targetResources":[{"id":"` + danaID + `"}]`
	)
	by := func(a *graphsim.Actor, more graphsim.AuditEntry) graphsim.AuditEntry { more.By = *a; return more }
	var none graphsim.AuditEntry
	noTarget := graphsim.AuditEntry{NoTarget: true}
	noInitiator := graphsim.AuditEntry{NoInitiator: true, TargetID: danaID}
	for _, tt := range []struct {
		name   string
		record graphsim.AuditEntry
		raw    string // in place of the record
		by     string
		odd    int
	}{
		{"no target", by(mallory, noTarget), "", "", 1},
		{"no target, and by mallory", by(mallory, noTarget), "", mallory.UPN, 1},
		{"no target, and by another", by(helpdesk, noTarget), "", mallory.UPN, 0},
		{"a target without an id", by(mallory, graphsim.AuditEntry{TargetUPN: "x@contoso.com"}), "", mallory.UPN, 1},
		{"a target that is a path", by(mallory, graphsim.AuditEntry{TargetID: "../x"}), "", mallory.UPN, 1},
		{"no initiator", noInitiator, "", mallory.UPN, 1},
		{"no initiator, by anybody", noInitiator, "", "", 0},
		{"no time", none, broken + target + `}`, "", 1},
		{"a time that is a number", none, broken + `"activityDateTime":7,` + target + `}`, "", 1},
		{"targets that are text", none, broken + `"targetResources":"x"}`, "", 1},
		{"an initiator that is text", none, broken + `"initiatedBy":"x",` + target + `}`, mallory.UPN, 1},
		{"a target that is null", none, broken + `"targetResources":[null]}`, "", 1},
		{"a failed action", graphsim.AuditEntry{Result: "failure", NoTarget: true}, "", "", 0},
		{"no object", none, `7`, "", 0},
		{"nothing", none, `null`, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var opts graphsim.Options
			if tt.raw != "" {
				opts = rawRecords(tt.raw)
			}
			tenant := audited(opts,
				graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: made(mallory, 2*time.Minute)})
			tenant.AddAudit(registration(tt.record))
			s := look(t, tenant, since(time.Hour, tt.by))
			assert.OK(t, s.err, "the scan ended early")
			assert.Same(t, "passes found", s.Found, 1)
			assert.Same(t, "odd records", s.Audit.Odd.Count, tt.odd)
		})
	}
}

// Of many odd records, the first 20 are named by their IDs.
func TestManyOddRecords(t *testing.T) {
	tenant := audited(graphsim.Options{})
	for range 50 {
		e := registered{by: mallory, ago: time.Minute}.entry()
		e.NoTarget = true
		tenant.AddAudit(e)
	}
	s := look(t, tenant, since(time.Hour, ""))
	assert.OK(t, s.err)
	assert.Same(t, "odd records", s.Audit.Odd.Count, 50)
	assert.Same(t, "records that are named", len(s.Audit.Odd.First), 20)
	assert.Same(t, "length of an ID", len(s.Audit.Odd.First[0]), 36)
}

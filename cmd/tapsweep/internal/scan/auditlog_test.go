package scan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/testdata/assert"
)

var (
	mallory  = &graphsim.Actor{UPN: "mallory@contoso.com"}
	helpdesk = &graphsim.Actor{UPN: "helpdesk@contoso.com"}
)

// audited returns a tenant with an audit log, mallory and a help desk.
func audited(opts graphsim.Options) *graphsim.Tenant {
	opts.Roles, opts.Audit = permitted, true
	tenant := graphsim.New(opts)
	tenant.AddUser(graphsim.User{UPN: mallory.UPN})
	tenant.AddUser(graphsim.User{UPN: helpdesk.UPN})
	return tenant
}

func made(by *graphsim.Actor, ago time.Duration) []graphsim.Pass {
	return []graphsim.Pass{{Created: time.Now().Add(-ago), LifetimeMinutes: 480, CreatedBy: by}}
}

func since(ago time.Duration, by string) Options {
	return Options{Audit: &Audit{Since: time.Now().Add(-ago), By: by}}
}

const (
	danaID  = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	passID  = "3d38627e-1111-4222-8333-000000000001" // of the pass that dana holds
	listed  = `"` + passID + `"`                     // in a record
	another = `"3d38627e-1111-4222-8333-000000000002"`
	hour    = time.Hour // the age of dana's pass
	nearly  = hour + 4*time.Minute
)

// A registered is a record that somebody has created a pass for dana.
type registered struct {
	by    *graphsim.Actor
	ago   time.Duration
	id    string // JSON; empty if the record has none
	long  bool   // in the longer spelling
	dated bool   // with the start and the end
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

// A whoseCase is what the log and a LIST say, and what the scan makes of it.
type whoseCase struct {
	name          string
	log           []registered
	noPass        bool   // dana holds none
	idsArePassIDs bool   // erik's record shows that the ids are those of passes
	want          string // what is found of dana
	instead       string // who created the pass that is left out, "?" if nobody knows
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

// A pass is chosen by the id in its record. Whatever else the log says, no pass is lost without a
// word, and no pass is taken for one that somebody else created.
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
	tenant := audited(graphsim.Options{})
	dana := graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: made(nil, hour)}
	dana.Passes[0].ID = passID
	if tt.noPass {
		dana.Passes = nil
	}
	tenant.AddUser(dana)
	if tt.idsArePassIDs {
		tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, hour)})
	}
	for _, r := range tt.log {
		tenant.AddAudit(r.entry())
	}
	opts := since(24*time.Hour, by)
	opts.OnGone = func(f *Found) {
		theirs := func(r registered) bool { return (by == "" || r.by.UPN == by) && r.id == strconv.Quote(f.ID) }
		if !slices.ContainsFunc(tt.log, theirs) {
			t.Errorf("the pass %s is gone, which is none of those by %q", f.ID, by)
		}
	}
	found, _, counts, err := look(t, tenant, opts, batch.Options{})
	assert.OK(t, err)
	found = slices.DeleteFunc(found, func(line string) bool { return strings.HasPrefix(line, "erik") })
	assert.Same(t, "found", strings.Join(found, "; "), tt.want)
	instead := ""
	for _, u := range counts.Audit.Unlisted.First {
		instead = cmp.Or(u.By, "?")
	}
	assert.Same(t, "left out as created by", instead, tt.instead)
	for what, n := range map[string]int{"odd": counts.Audit.Odd.Count, "gone": counts.Audit.Gone.Count,
		"older": counts.Older, "doubtful": counts.Audit.Doubtful} {
		assert.That(t, (n == 1) == (what == tt.more), "%s: %d, want only %q to be 1", what, n, tt.more)
	}
	if tt.want != "" && (counts.ByTime == 1) != strings.HasSuffix(tt.want, "by time, not by id") {
		t.Errorf("%d passes matched by time", counts.ByTime)
	}
}

// A record that names one pass of a user by ID does not choose another pass with the same dates.
func TestSecondPassWithTheDatesOfARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := audited(graphsim.Options{})
		both := slices.Concat(made(nil, hour), made(nil, hour))
		both[0].ID = passID
		tenant.AddUser(graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: both})
		tenant.AddAudit(registered{by: mallory, ago: hour, id: listed, dated: true}.entry())
		found, _, _, err := look(t, tenant, since(24*time.Hour, mallory.UPN), batch.Options{})
		assert.OK(t, err)
		assert.Same(t, "found", strings.Join(found, "; "), hersByID)
	})
}

// The report names when the passes were created, before and after.
func TestReplacedPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := audited(graphsim.Options{})
		tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, 0)})
		time.Sleep(30 * time.Minute)
		tenant.GivePass("dana@contoso.com", graphsim.Pass{CreatedBy: mallory})
		time.Sleep(90 * time.Minute)
		tenant.GivePass("dana@contoso.com", graphsim.Pass{CreatedBy: helpdesk})
		at := time.Now()
		time.Sleep(30 * time.Minute)
		_, _, counts, err := look(t, tenant, since(24*time.Hour, mallory.UPN), batch.Options{})
		if err != nil || counts.Audit.Unlisted.Count != 1 {
			t.Fatalf("%+v, %v, want one pass that was replaced", counts.Audit.Unlisted, err)
		}
		u := counts.Audit.Unlisted.First[0]
		assert.That(t, u.UPN == "dana@contoso.com" && u.At.Equal(at) && u.Made.Equal(at.Add(-90*time.Minute)),
			"%+v, want dana's of %v replaced at %v", u, at.Add(-90*time.Minute), at)
	})
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
			tenant := audited(graphsim.Options{Faults: tt.faults})
			tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, time.Hour)})
			tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, 48*time.Hour)})
			tenant.AddAudit(graphsim.AuditEntry{Time: time.Now().Add(-time.Hour)}) // of another service
			var log bytes.Buffer
			opts := since(24*time.Hour, mallory.UPN)
			opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			found, _, counts, err := look(t, tenant, opts, batch.Options{})
			if source, ok := errors.AsType[*SourceError](err); ok != (tt.records == 0) {
				t.Fatalf("the scan ended with %v", source)
			}
			assert.Same(t, "audit records", counts.Audit.Records, tt.records)
			if want := []string{"dana usable: mallory@contoso.com by id"}; tt.records > 0 &&
				!slices.Equal(found, want) {
				t.Errorf("found %q, want %q", found, want)
			}
			if says := strings.Contains(log.String(), "Graph refuses the filter"); says != (len(tt.faults) > 0) {
				t.Errorf("the debug log says so: %v\n%s", says, log.String())
			}
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
			gone := fault.Fault{Path: "$skiptoken", Attempt: 1, Do: fault.ItemStatus(410)}
			tenant := audited(graphsim.Options{Faults: []fault.Fault{gone}})
			tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, time.Hour)})
			tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, time.Hour)})
			tenant.AddUser(graphsim.User{UPN: "femi@contoso.com", Passes: made(helpdesk, time.Hour)})
			for i := range 2000 {
				tenant.AddAudit(graphsim.AuditEntry{Time: time.Now().Add(-time.Duration(i) * time.Second),
					Service: graphsim.PassService, Reason: "User registered Authenticator App", TargetID: "x"})
			}
			opts := since(24*time.Hour, tt.by)
			opts.Audit.Names = tt.names
			found, _, counts, err := look(t, tenant, opts, batch.Options{})
			assert.OK(t, err)
			if a := counts.Audit; a.Records != 2003 || a.Made != 3 || a.By != tt.want || a.There != tt.want ||
				a.Name != tt.by {
				t.Errorf("%+v, want 2003 records, 3 that create a pass, %d by %q", *a, tt.want, tt.by)
			}
			assert.Equal(t, "creators", counts.Audit.Creators,
				[]format.Count{{Name: mallory.UPN, N: 2}, {Name: helpdesk.UPN, N: 1}})
			assert.That(t, len(found) == tt.want, "found %q, want %d", found, tt.want)
			assert.Same(t, "LISTs", tenant.Stats().Lists, tt.want)
		}))
	}
}

// registration makes a of a record that creates a pass.
func registration(a graphsim.AuditEntry) graphsim.AuditEntry {
	whole := registered{by: &a.By, ago: time.Minute}.entry()
	a.Time, a.Service, a.Activity, a.Reason = whole.Time, whole.Service, whole.Activity, whole.Reason
	return a
}

// rawRecords returns the options of a tenant whose log has this record and a good one.
func rawRecords(record string) graphsim.Options {
	good := `{"id":"good","activityDateTime":"` + time.Now().UTC().Format(time.RFC3339) + `",` +
		`"activityDisplayName":"Admin registered security info","resultReason":"temporary access pass",` +
		`"initiatedBy":{"user":{"userPrincipalName":"mallory@contoso.com"}},"targetResources":[{"id":"` + danaID +
		`"}]}`
	return graphsim.Options{Faults: []fault.Fault{
		{Path: "/auditLogs/", Do: fault.ItemBody(`{"value":[` + record + `,` + good + `]}`)}}}
}

// A record that cannot be used is counted. Earlier it ended the scan or was silently ignored.
func TestOddRecords(t *testing.T) {
	const (
		says = `"id":"odd-1","activityDisplayName":"Admin registered security info",` +
			`"resultReason":"temporary access pass",`
		target = `"targetResources":[{"id":"` + danaID + `"}]`
	)
	const broken = `{` + says
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
		{"what failed", graphsim.AuditEntry{Result: "failure", NoTarget: true}, "", "", 0},
		{"no object", none, `7`, "", 0},
		{"nothing", none, `null`, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var opts graphsim.Options
			if tt.raw != "" {
				opts = rawRecords(tt.raw)
			}
			tenant := audited(opts)
			tenant.AddUser(graphsim.User{ID: danaID, UPN: "dana@contoso.com", Passes: made(mallory, 2*time.Minute)})
			tenant.AddAudit(registration(tt.record))
			found, _, counts, err := look(t, tenant, since(time.Hour, tt.by), batch.Options{})
			assert.OK(t, err, "the scan ended")
			assert.That(t, len(found) == 1, "found %q, want dana's", found)
			assert.That(t, counts.Audit.Odd.Count == tt.odd && len(counts.Audit.Odd.First) == tt.odd,
				"odd %+v, want %d", counts.Audit.Odd, tt.odd)
		})
	}
}

// Of many odd records, the first are named.
func TestManyOddRecords(t *testing.T) {
	tenant := audited(graphsim.Options{})
	for range 50 {
		e := registered{by: mallory, ago: time.Minute}.entry()
		e.NoTarget = true
		tenant.AddAudit(e)
	}
	_, _, counts, err := look(t, tenant, since(time.Hour, ""), batch.Options{})
	assert.That(t, err == nil && counts.Audit.Odd.Count == 50 && len(counts.Audit.Odd.First) == 20,
		"odd %+v, %v, want 50 with the first 20", counts.Audit.Odd, err)
	if first := fmt.Sprint(counts.Audit.Odd.First[0]); len(first) != 36 {
		t.Errorf("a record is listed as %q, want its id", first)
	}
}

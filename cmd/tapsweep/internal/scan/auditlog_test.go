package scan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
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

// A help desk pass is not listed as mallory's, although mallory had created one before.
func TestReplacedPassIsNotTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := audited(graphsim.Options{})
		tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: made(mallory, 0)})
		time.Sleep(90 * time.Minute)
		tenant.GivePass("dana@contoso.com", graphsim.Pass{CreatedBy: helpdesk})
		tenant.AddUser(graphsim.User{UPN: "erik@contoso.com", Passes: made(mallory, time.Hour)})
		tenant.GivePass("erik@contoso.com", graphsim.Pass{}) // no record says by whom
		tenant.AddUser(graphsim.User{UPN: "femi@contoso.com", Passes: made(mallory, 4*time.Minute)})
		tenant.GivePass("femi@contoso.com", graphsim.Pass{}) // within the tolerance
		at := time.Now()
		time.Sleep(30 * time.Minute)

		found, _, counts, err := look(t, tenant, since(24*time.Hour, mallory.UPN), batch.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(found, []string{"femi usable"}) {
			t.Errorf("found %q, want femi's alone", found)
		}
		replaced := counts.Audit.Replaced
		if replaced.Count != 2 {
			t.Fatalf("replaced %+v, want two", replaced)
		}
		slices.SortFunc(replaced.First, func(a, b Replaced) int { return strings.Compare(a.UPN, b.UPN) })
		dana, erik := replaced.First[0], replaced.First[1]
		if dana.UPN != "dana@contoso.com" || dana.By != helpdesk.UPN {
			t.Errorf("%+v was replaced, want dana by the help desk", dana)
		}
		if !dana.At.Equal(at) || !dana.Made.Equal(at.Add(-90*time.Minute)) {
			t.Errorf("%+v, want it made at %v and replaced at %v", dana, at.Add(-90*time.Minute), at)
		}
		if erik.UPN != "erik@contoso.com" || erik.By != "" {
			t.Errorf("%+v was replaced, want erik by an unknown creator", erik)
		}
		// Without a creator, every pass is looked for.
		found, _, counts, err = look(t, tenant, since(24*time.Hour, ""), batch.Options{})
		if err != nil || len(found) != 3 || counts.Audit.Replaced.Count != 0 {
			t.Errorf("by anybody: found %q, replaced %+v, %v", found, counts.Audit.Replaced, err)
		}
	})
}

// Records are counted once, although pages are read again.
func TestAuditIsCounted(t *testing.T) {
	tests := []struct {
		name, by string
		names    []string
		want     int
	}{
		{"by mallory", "MALLORY@contoso.com", nil, 2},
		{"by somebody else", "eve@contoso.com", nil, 0},
		{"by anybody", "", nil, 3},
		{"by another name of mallory", "m@contoso.com", []string{"Mallory@contoso.com"}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
				if err != nil {
					t.Fatal(err)
				}
				if a := counts.Audit; a.Records != 2003 || a.Made != 3 || a.By != tt.want || a.Name != tt.by {
					t.Errorf("%+v, want 2003 records, 3 that create a pass, %d by %q", *a, tt.want, tt.by)
				}
				if len(found) != tt.want {
					t.Errorf("found %q, want %d", found, tt.want)
				}
			})
		})
	}
}

// A record that cannot be used is counted. Earlier it ended the scan or was silently ignored.
func TestOddRecords(t *testing.T) {
	create := func(a graphsim.AuditEntry) graphsim.AuditEntry {
		a.Time, a.Service = time.Now().Add(-time.Minute), graphsim.PassService
		a.Activity, a.Reason = "Admin registered security info", "Admin registered temporary access pass method for user"
		return a
	}
	const id = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	raw := func(record string) graphsim.Options {
		good := `{"id":"good","activityDateTime":"` + time.Now().UTC().Format(time.RFC3339) + `",` +
			`"activityDisplayName":"Admin registered security info","resultReason":"temporary access pass",` +
			`"initiatedBy":{"user":{"userPrincipalName":"mallory@contoso.com"}},"targetResources":[{"id":"` + id + `"}]}`
		return graphsim.Options{Faults: []fault.Fault{
			{Path: "/auditLogs/", Do: fault.ItemBody(`{"value":[` + record + `,` + good + `]}`)}}}
	}
	const (
		says = `"id":"odd-1","activityDisplayName":"Admin registered security info",` +
			`"resultReason":"temporary access pass",`
		target = `"targetResources":[{"id":"` + id + `"}]`
	)
	tests := []struct {
		name   string
		record graphsim.AuditEntry
		opts   graphsim.Options // in place of the record
		by     string
		odd    int
	}{
		{"no target", graphsim.AuditEntry{By: *mallory, NoTarget: true}, graphsim.Options{}, "", 1},
		{"no target, and by mallory", graphsim.AuditEntry{By: *mallory, NoTarget: true}, graphsim.Options{}, mallory.UPN, 1},
		{"no target, and by another", graphsim.AuditEntry{By: *helpdesk, NoTarget: true}, graphsim.Options{}, mallory.UPN, 0},
		{"a target without an id", graphsim.AuditEntry{By: *mallory, TargetUPN: "x@contoso.com"}, graphsim.Options{},
			mallory.UPN, 1},
		{"a target that is a path", graphsim.AuditEntry{By: *mallory, TargetID: "../x"}, graphsim.Options{}, mallory.UPN, 1},
		{"no initiator", graphsim.AuditEntry{NoInitiator: true, TargetID: id}, graphsim.Options{}, mallory.UPN, 1},
		{"no initiator, by anybody", graphsim.AuditEntry{NoInitiator: true, TargetID: id}, graphsim.Options{}, "", 0},
		{"no time", graphsim.AuditEntry{}, raw(`{` + says + target + `}`), "", 1},
		{"a time that is a number", graphsim.AuditEntry{}, raw(`{` + says + `"activityDateTime":7,` + target + `}`), "", 1},
		{"targets that are text", graphsim.AuditEntry{}, raw(`{` + says + `"targetResources":"x"}`), "", 1},
		{"an initiator that is text", graphsim.AuditEntry{}, raw(`{` + says + `"initiatedBy":"x",` + target + `}`),
			mallory.UPN, 1},
		{"a target that is null", graphsim.AuditEntry{}, raw(`{` + says + `"targetResources":[null]}`), "", 1},
		{"no object", graphsim.AuditEntry{}, raw(`7`), "", 0},
		{"nothing", graphsim.AuditEntry{}, raw(`null`), "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tenant := audited(tt.opts)
			tenant.AddUser(graphsim.User{ID: id, UPN: "dana@contoso.com", Passes: made(mallory, 2*time.Minute)})
			tenant.AddAudit(create(tt.record))
			found, _, counts, err := look(t, tenant, since(time.Hour, tt.by), batch.Options{})
			if err != nil {
				t.Fatalf("the scan ended: %v", err)
			}
			if len(found) != 1 {
				t.Errorf("found %q, want dana's", found)
			}
			if counts.Audit.Odd.Count != tt.odd || len(counts.Audit.Odd.First) != tt.odd {
				t.Errorf("odd %+v, want %d", counts.Audit.Odd, tt.odd)
			}
		})
	}
	tenant := audited(graphsim.Options{})
	for range 50 {
		tenant.AddAudit(create(graphsim.AuditEntry{NoTarget: true}))
	}
	_, _, counts, err := look(t, tenant, since(time.Hour, ""), batch.Options{})
	if err != nil || counts.Audit.Odd.Count != 50 || len(counts.Audit.Odd.First) != 20 {
		t.Errorf("odd %+v, %v, want 50 with the first 20", counts.Audit.Odd, err)
	}
	if first := fmt.Sprint(counts.Audit.Odd.First[0]); len(first) != 36 {
		t.Errorf("a record is listed as %q, want its id", first)
	}
}

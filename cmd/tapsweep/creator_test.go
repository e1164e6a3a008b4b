package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// incident returns a tenant in which Mallory and the help desk have created passes.
func incident(roles ...string) *graphsim.Tenant {
	tenant := graphsim.New(graphsim.Options{Roles: roles, Audit: true})
	simulation.FillMixed(tenant, 100)
	tenant.AddUser(graphsim.User{UPN: simulation.Helpdesk.UPN})
	tenant.AddUser(graphsim.User{UPN: simulation.Mallory.UPN})
	return tenant
}

// If a name is misspelt, the scan must not look as if it found nothing. Earlier it wrote an empty file
// and exited with 0.
func TestScanOfTheAuditLogSaysWhatItRead(t *testing.T) {
	t.Parallel()
	env := serve(t, incident(simulation.Roles...))
	noUsers := serve(t, incident("UserAuthMethod-TAP.ReadWrite.All", "AuditLog.Read.All"))
	quiet := []string{"--quiet"}
	const nobody, id = "malory@contoso.example", "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	for _, tt := range []struct {
		name, by string
		flags    []string
		env      []string
		rows     int
		exit     int
		says     []string // each on standard error; nothing is said at all if there is none
	}{
		{"hers", simulation.Mallory.UPN, nil, env, 3, status.Done, []string{
			"3 by mallory@contoso.example; 3 ", "helpdesk@contoso.example 4, mallory@contoso.example 3\n"}},
		{"hers, in silence", simulation.Mallory.UPN, quiet, env, 3, status.Done, nil},
		{"nobody's", nobody, quiet, env, 0, status.Incomplete, []string{"0 by malory@", "no user malory@"}},
		{"of somebody who made none", "user00001@contoso.example", nil, env, 0, status.Done, []string{
			", 0 by user00001@contoso.example; 0 "}},
		{"of somebody who cannot be looked up", nobody, quiet, noUsers, 0, status.Incomplete, []string{
			nobody + " exists", "User.Read.All"}},
		{"of an app", "HR sync", quiet, env, 0, status.Incomplete, []string{"HR sync exists"}},
		{"of an ID", id, quiet, env, 0, status.Done, []string{"no user " + id}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"scan", "--created-since", "24h", "--created-by", tt.by, "--format", "csv"}
			p := tapsweep(t, tt.env, append(args, tt.flags...)...)
			p.ends(t, tt.exit)
			same(t, "passes", strings.Count(p.stdout, "\n")-1, tt.rows)
			holds(t, "standard error", p.stderr, tt.says...)
			same(t, "whether the scan is silent", p.stderr == "", len(tt.says) == 0)
		})
	}
}

// A scan with a misspelt creator writes no list. For revoke an empty list would mean nothing to do.
func TestNoListOfNobody(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "hers.csv")
	args := []string{"scan", "--created-by", "malory@contoso.example", "--output", output}
	tapsweep(t, serve(t, incident(simulation.Roles...)), args...).ends(t, status.Incomplete, output+" was not written")
	exists(t, output, false)
}

// Users whose pass is gone or replaced may have sessions that began with it. With --include-gone they
// are on the list, with the ID of that pass, so that revoke deletes no other pass.
func TestSessionsOfPassesThatAreGone(t *testing.T) {
	t.Parallel()
	tenant := incident(simulation.Roles...)
	at := time.Now().Add(-time.Hour)
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example"})
	tenant.AddAudit(hers(at, map[string]string{"TemporaryAccessPass.Id": otherPass}))
	tenant.AddUser(graphsim.User{ID: leeID, UPN: "lee@contoso.example",
		Passes: []graphsim.Pass{{Created: at, CreatedBy: simulation.Mallory}}})
	tenant.GivePass("lee@contoso.example", graphsim.Pass{CreatedBy: simulation.Helpdesk})
	env := serve(t, tenant)
	dir := t.TempDir()
	list, log := filepath.Join(dir, "hers.csv"), filepath.Join(dir, "log.jsonl")
	tapsweep(t, env, "scan", "--created-since", "24h", "--created-by", simulation.Mallory.UPN, "--include-gone",
		"--output", list).ends(t, status.Done)
	same(t, "rows of passes that are gone", strings.Count(readText(t, list), ",gone,"), 2)
	p := tapsweep(t, env, "revoke", "--yes", "--revoke-sessions", "--results", log, list)
	p.ends(t, status.Incomplete) // because lee holds another pass
	rows, _ := readLog(t, readText(t, log))
	outcome := make(map[string]results.Outcome)
	for _, row := range rows {
		if row.Action == "" {
			outcome[row.User] = row.Outcome
		}
	}
	same(t, "the pass of dana", outcome[selfID], results.Absent)
	same(t, "the pass of lee", outcome[leeID], results.Replaced)
	same(t, "sessions that are revoked", sessionOutcomes(t, log)[results.Revoked], 5)
	kept := slices.ContainsFunc(tenant.Remaining(), func(p graphsim.HeldPass) bool { return p.UserID == leeID })
	same(t, "lee holds the pass of the help desk", kept, true)
}

// The passes of an administrator cannot be listed. They are on the list of the scan with the ID in the record, so that
// revoke tries to delete them, and its log shows that they are left.
func TestPassesThatCannotBeListed(t *testing.T) {
	t.Parallel()
	tenant := incident(simulation.Roles...)
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example", Privileged: true,
		Passes: []graphsim.Pass{{Created: time.Now().Add(-time.Hour), CreatedBy: simulation.Mallory}}})
	env := serve(t, tenant)
	dir := t.TempDir()
	list, log := filepath.Join(dir, "hers.csv"), filepath.Join(dir, "log.jsonl")
	tapsweep(t, env, "scan", "--created-since", "24h", "--created-by", simulation.Mallory.UPN, "--output", list).ends(t,
		status.Incomplete, "; 3 still there, 1 not known", "1 could not be scanned: dana@contoso.example",
		`1 listed with the reason "not scanned"`)
	holds(t, "the list", readText(t, list), ",dana@contoso.example,not scanned,")
	tapsweep(t, env, "revoke", "--yes", "--results", log, list).ends(t, status.Incomplete, "3 of 4 passes are gone")
	rows, _ := readLog(t, readText(t, log))
	i := slices.IndexFunc(rows, func(row results.Row) bool { return row.User == selfID })
	same(t, "dana has a row", i >= 0, true)
	same(t, "the outcome for dana", rows[i].Outcome, results.Denied)
	same(t, "the creator of the pass of dana", rows[i].Creation.By, simulation.Mallory.UPN)
}

// A user who has been renamed is found by the ID in the records.
func TestCreatedByARenamedUser(t *testing.T) {
	t.Parallel()
	tenant := incident(simulation.Roles...)
	id := "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c399"
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.example", Passes: []graphsim.Pass{
		{Created: time.Now().Add(-time.Minute),
			CreatedBy: &graphsim.Actor{UserID: id, UPN: "old-name@contoso.example"}}}})
	tenant.AddUser(graphsim.User{ID: id, UPN: "new-name@contoso.example"})
	env := serve(t, tenant)
	p := tapsweep(t, env, "scan", "--created-by", "new-name@contoso.example")
	p.ends(t, 0)
	holds(t, "standard output", p.stdout, "dana@contoso.example")
}

// A help desk pass that replaced Mallory's pass is not listed as Mallory's.
func TestScanSaysWhatWasReplaced(t *testing.T) {
	t.Parallel()
	tenant := incident(simulation.Roles...)
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.example", Passes: []graphsim.Pass{
		{Created: time.Now().Add(-time.Hour), CreatedBy: simulation.Mallory}}})
	tenant.GivePass("dana@contoso.example", graphsim.Pass{CreatedBy: simulation.Helpdesk})
	tenant.AddAudit(graphsim.AuditEntry{Time: time.Now().Add(-time.Minute), Service: graphsim.PassService,
		By: *simulation.Mallory, NoTarget: true, Activity: "Admin registered security info",
		Reason: "Admin registered temporary access pass method for user"})
	env := serve(t, tenant)
	p := tapsweep(t, env, "scan", "--created-since", "24h", "--created-by", simulation.Mallory.UPN, "--quiet")
	lacks(t, "standard output", p.stdout, "dana@")
	p.ends(t, status.Incomplete, "dana@contoso.example: the pass of ", " by mallory@contoso.example was replaced at ",
		"Z by helpdesk@contoso.example", "audit records to check") // of which some may name further users
}

// A pass that may be Mallory's, although her record has another ID, is reported but not listed.
func TestScanNamesUndecidedPasses(t *testing.T) {
	t.Parallel()
	tenant := incidentWith(map[string]string{"TemporaryAccessPass.Id": `"` + otherPass + `"`})
	p := tapsweep(t, serve(t, tenant), "scan", "--created-since", "24h", "--created-by", simulation.Mallory.UPN)
	p.ends(t, status.Incomplete, "tapsweep scan --user "+selfID)
	lacks(t, "standard output", p.stdout, "dana@")
}

// incidentWith returns an incident in which the record of one of Mallory's four passes has these properties.
func incidentWith(properties map[string]string) *graphsim.Tenant {
	tenant, at := incident(simulation.Roles...), time.Now().Add(-time.Hour)
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example", Passes: []graphsim.Pass{{Created: at}}})
	tenant.AddAudit(hers(at, properties))
	return tenant
}

// hers returns the record of a pass that Mallory created for the user selfID.
func hers(at time.Time, properties map[string]string) graphsim.AuditEntry {
	return graphsim.AuditEntry{Time: at, Service: graphsim.PassService, By: *simulation.Mallory, TargetID: selfID,
		Properties: properties, Activity: "User registered security info",
		Reason: "User registered temporary access pass method"}
}

// A killed scan of the audit log has found out that the IDs in records are those of passes. The run that
// resumes it uses this, and reports the gone passes again.
func TestScanOfTheAuditLogResumes(t *testing.T) {
	t.Parallel()
	tenant, at := incident(simulation.Roles...), time.Now().Add(-time.Hour)
	tenant.AddUser(graphsim.User{ID: selfID, UPN: "dana@contoso.example",
		Passes: []graphsim.Pass{{Created: at, LifetimeMinutes: 480}}})
	second := func(t time.Time) string { return `"` + t.UTC().Format(time.RFC3339) + `"` }
	record := hers(at, map[string]string{"TemporaryAccessPass.Id": otherPass,
		"TemporaryAccessPass.StartDateTime": second(at),
		"TemporaryAccessPass.EndDateTime":   second(at.Add(8 * time.Hour))})
	tenant.AddAudit(record)
	tenant.AddUser(graphsim.User{ID: leeID, UPN: "lee@contoso.example"})
	record.TargetID = leeID
	tenant.AddAudit(record)
	tenant.AddFaults(fault.Fault{Path: selfID, Times: 1, Do: fault.ItemStatus(403)}) // in the first run
	env, dir := serve(t, tenant), t.TempDir()
	log := dir + "/scan.jsonl"
	args := []string{"scan", "--created-since", "24h", "--created-by", simulation.Mallory.UPN, "--resume",
		"--results", log, "--output", dir + "/hers.csv"}
	gone := "users who have no pass any more: 1: " + leeID
	tapsweep(t, env, args...).ends(t, status.Incomplete, gone)
	text := readText(t, log)
	write(t, log, text[:strings.Index(text, `{"type":"end"`)])
	p := tapsweep(t, env, args...)
	p.ends(t, status.Incomplete, gone, selfID+": the pass of ", "may be the same as the pass of ")
	list := readText(t, dir+"/hers.csv")
	same(t, "passes that are found by id", strings.Count(list, ","+input.MatchID), 3)
	same(t, "passes that are found by time", strings.Count(list, ","+input.MatchTime), 0)
}

// An incident report says who created each revoked pass. The rows of a scan carry it through a list,
// the log and the evidence, and a sweep has it too.
func TestCreatorOfEachRevokedPass(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"found.csv", "found.jsonl", "scan.jsonl", "sweep"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			env := serve(t, incidentWith(nil))
			dir := t.TempDir()
			run := func(command string, flags ...string) process {
				p := tapsweep(t, env, slices.Concat([]string{command}, flags)...)
				p.ends(t, 0)
				return p
			}
			scope := []string{"--created-since", "24h", "--created-by", simulation.Mallory.UPN}
			all := []string{"--reason", "expired,used,scheduled,usable", "--include-usable"}
			evidence := []string{"--yes", "--evidence", dir + "/evidence"}
			var p process
			if form == "sweep" {
				p = run("sweep", slices.Concat(scope, evidence, all)...)
			} else {
				output := filepath.Join(dir, "found"+filepath.Ext(form))
				p = run("scan", append(scope, "--results", dir+"/scan.jsonl", "--output", output)...)
				run("revoke", append(evidence, filepath.Join(dir, form))...)
			}
			holds(t, "standard error", p.stderr, "1 matched with the audit log by time")
			log := readText(t, dir+"/evidence/results.jsonl")
			table := readText(t, dir+"/evidence/report.csv")
			rows, _ := readLog(t, log)
			matched := make(map[string]int)
			for _, row := range rows {
				if row.Outcome != results.Revoked {
					continue
				}
				matched[row.Match]++
				same(t, "creator", row.Creation.By, simulation.Mallory.UPN)
				differs(t, "audit record", row.AuditID, "")
				same(t, "creation is not known", row.Creation.At.IsZero(), false)
				holds(t, "the table", strings.ReplaceAll(table, `"`, ""), ","+row.AuditID+","+row.Match)
			}
			same(t, "passes matched by id", matched[input.MatchID], 3)
			same(t, "passes matched by time", matched[input.MatchTime], 1)
			holds(t, "the report", readText(t, dir+"/evidence/report.json"),
				`"creators": {`+"\n    "+`"mallory@contoso.example": 4`)
		})
	}
}

// Refused page tokens are not a usage error. Earlier the exit code was 64, with a hint about --filter.
func TestExpiredPageTokensAreNoUsage(t *testing.T) {
	t.Parallel()
	faults := []fault.Fault{{Path: "$skiptoken", Do: fault.ItemStatus(400)}}
	env := serve(t, leftovers(1500, graphsim.Options{Faults: faults}))
	p := tapsweep(t, env, "scan", "--all-users")
	p.ends(t, status.Stopped, "page tokens were refused 4 times")
	lacks(t, "standard error", p.stderr, "--filter")
}

// If a gateway refuses every batch, the run does not conclude that the user does not exist. The scan
// does not wait for the gateway again.
func TestCreatorBehindAGateway(t *testing.T) {
	t.Parallel()
	tenant := incident(simulation.Roles...)
	tenant.AddFaults(fault.Fault{Path: "/users/", Do: fault.OuterBody(404, "default backend - 404")})
	p := tapsweep(t, serve(t, tenant), "scan", "--created-by", simulation.Mallory.UPN, "--stall-timeout", "1s")
	p.ends(t, status.Stopped, "every batch is refused")
	lacks(t, "standard error", p.stderr, "audit records read")
}

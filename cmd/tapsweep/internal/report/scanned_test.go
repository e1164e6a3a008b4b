package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// found is a log of a scan of so many users, some of whom hold a pass.
func found(users, held, failed int) *logBuilder {
	m := &logBuilder{now: night}
	m.begin(0, "scan", "--all-users", "--results", "scan.jsonl", "--output", "left-over.csv")
	var none []string
	for i := range users {
		m.later(10 * time.Millisecond)
		switch {
		case i < held:
			expired := func(r *results.Row) { r.Reason = "expired" }
			m.row(results.ScanSource, 0, results.Found, aboutPass(userName(i), pass(i)), upn("u"+userName(i)), expired)
		case i < held+failed:
			m.row(results.ScanSource, 0, results.Failed, aboutPass(userName(i), ""))
		default:
			none = append(none, userName(i))
		}
	}
	m.line(results.Scanned{Type: "scanned", Users: none})
	m.later(time.Second)
	m.end(0, "")
	return m
}

// What a scan found is neither done nor left, and has a colour of its own.
func TestScan(t *testing.T) {
	path := found(400, 40, 3).write(t, "scan.jsonl")
	r := reportOf(t, path)
	check(t, "done", r.Done, 0)
	check(t, "left", r.Left, 3)
	last := r.Progress[len(r.Progress)-1]
	check(t, "found at the last point", last.Found, 40)
	check(t, "left at the last point", last.Left, 3)
	golden(t, "scan.txt", text(t, r, path))
	page := pageOf(t, Page{}, path)
	check(t, "areas of passes found", strings.Count(page, `class="area s-found"`), 1)
	check(t, "columns of lines", strings.Count(page, `class="c1`), 0)
}

// A pass that a scan found and a run deleted was counted twice.
func TestScanThenRevoke(t *testing.T) {
	scan := found(30, 4, 0).write(t, "scan.jsonl")
	list := &logBuilder{now: night.Add(time.Hour)}
	list.begin(4, "revoke", "--yes", "left-over.csv")
	list.row("left-over.csv", 2, results.Revoked, aboutPass(userName(0), pass(0)))
	list.row("left-over.csv", 3, results.Denied, aboutPass("u"+userName(1), pass(1))) // by the other name
	list.row("left-over.csv", 4, results.Revoked, aboutPass(userName(2), "another"))
	list.end(1, "")
	sweep := &logBuilder{now: night.Add(time.Hour)}
	sweep.begin(0, "sweep", "--all-users", "--yes")
	for i := range 3 {
		sweep.row(results.ScanSource, 0, results.Revoked, aboutPass(userName(i), pass(i)))
	}
	sweep.end(0, "")
	log := &logBuilder{now: night.Add(time.Hour)} // of the scan's log as a list
	log.begin(4, "revoke", "--yes", scan)
	for i := range 4 {
		log.row(scan, 2+i, results.Revoked, aboutPass(userName(i), pass(i)))
	}
	log.end(0, "")
	tests := []struct {
		name string
		log  *logBuilder
		want map[results.Outcome]int
	}{
		{"list", list, map[results.Outcome]int{results.Revoked: 2, results.Denied: 1, results.Found: 2}},
		{"sweep", sweep, map[results.Outcome]int{results.Revoked: 3, results.Found: 1}},
		{"log", log, map[results.Outcome]int{results.Revoked: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf(t, scan, tt.log.write(t, "next.jsonl"))
			diff(t, "counts", r.Counts, tt.want)
			if r.kind == "scan" {
				t.Error("the report is shown as that of a scan")
			}
		})
	}
}

// tapsweep scan > scan, and a run on that list.
func TestListCalledScan(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(3, "revoke", "--yes", "scan")
	m.row("scan", 2, results.Failed, anyPass, aboutPass("id-1", ""))
	m.row("scan", 3, results.Duplicate, anyPass, aboutPass("id-1", ""))
	m.row("scan", 4, results.Revoked, aboutPass("id-1", "m1"))
	m.end(1, "")
	r := reportOf(t, m.write(t, "s.jsonl"))
	want := map[results.Outcome]int{results.Failed: 1, results.Duplicate: 1, results.Revoked: 1}
	diff(t, "counts", r.Counts, want)
	check(t, "pairs without a row", r.WithoutRow, 0)
}

// A user who could not be looked at one night counts until a later run has looked.
func TestLookMadeUpFor(t *testing.T) {
	type counts = map[results.Outcome]int
	row := func(o results.Outcome, method string) func(*logBuilder) {
		return func(m *logBuilder) { m.row(results.ScanSource, 0, o, aboutPass("id-1", method)) }
	}
	scanned := func(user string) func(*logBuilder) {
		return func(m *logBuilder) { m.line(results.Scanned{Type: "scanned", Users: []string{user}}) }
	}
	tests := []struct {
		name string
		next func(m *logBuilder)
		want counts
	}{
		{"nothing held", scanned("ID-1"), counts{}},
		{"deleted", row(results.Revoked, "m1"), counts{results.Revoked: 1}},
		{"failed again", row(results.Failed, ""), counts{results.Failed: 1}},
		{"another user", scanned("id-2"), counts{results.Failed: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &logBuilder{now: night}
			m.begin(0, "sweep", "--all-users", "--yes", "--resume")
			row(results.Failed, "")(m)
			m.later(24 * time.Hour)
			m.begin(0, "sweep", "--all-users", "--yes", "--resume")
			tt.next(m)
			m.end(0, "")
			r := reportOf(t, m.write(t, "s.jsonl"))
			diff(t, "counts", r.Counts, tt.want)
			check(t, "pairs", r.Pairs, len(tt.want))
		})
	}
}

// Pairs without a row are a part of the whole.
func TestNoRow(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 10)
	for i := range 4 {
		m.later(time.Second)
		m.row("a.csv", i+2, results.Revoked)
	}
	r := reportOf(t, m.write(t, "a.jsonl"))
	shares := r.shares()
	check(t, "outcomes", len(shares), 2)
	check(t, "share of revoked", shares[0].Share, "40.0 %")
	check(t, "second outcome", shares[1].Outcome, "no row")
	check(t, "share without a row", shares[1].Share, "60.0 %")
	chart := r.charts()[0]
	check(t, "line of all pairs", chart.Total.Text, "10 in all")
	check(t, "highest line of the grid", chart.Grid[len(chart.Grid)-1].Text, "10")
}

// Logs without a tenant let two tenants into one report.
func TestTenants(t *testing.T) {
	log := func(at time.Duration, tenant string) string {
		m := &logBuilder{now: night.Add(at)}
		m.line(results.Run{Type: "run", Tenant: tenant, GraphRoot: "https://graph.microsoft.com", Start: m.now})
		return m.write(t, "l.jsonl")
	}
	untold, one, same, other := log(0, ""), log(1, "contoso.com"), log(2, "Contoso.COM"), log(3, "fabrikam.com")
	if l, err := OpenLogs(t.Context(), []string{untold, one, same}); err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
	l, err := OpenLogs(t.Context(), []string{untold, one, other})
	if err == nil {
		l.Close()
		t.Fatal("two tenants are in one report")
	}
	if want := "it is of tenant fabrikam.com"; !strings.Contains(err.Error(), want) {
		t.Errorf("two tenants: %v, want %q", err, want)
	}
}

// Numbers and times that cannot be true do not make sums that cannot be true.
func TestAbsurd(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 1<<62)
	for line, year := range map[int]int{2: 9999, 3: 1} {
		at := time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)
		m.row("a.csv", line, results.Revoked, func(r *results.Row) { r.Time = at })
	}
	for range 3 {
		m.wait(time.Second, 1<<62)
	}
	m.later(10 * time.Second)
	m.row("a.csv", 4, results.Revoked)
	m.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	check(t, "refused", r.Waits.Refused, maxCount)
	check(t, "without a row", r.WithoutRow, maxCount-3)
	check(t, "seconds", r.Seconds, 10)
	check(t, "start", r.Start, night)
	check(t, "implausible values", r.implausible, 6)
	check(t, "verdict", r.Verdict(), "3 of 2,147,483,647 passes are gone, 2,147,483,644 are left.")
}

// A scan that was stopped has not looked at all users, and its report says so.
func TestUnfinishedScan(t *testing.T) {
	revoked := func(m *logBuilder) { m.row(results.ScanSource, 0, results.Revoked, aboutPass(userName(1), pass(1))) }
	seen := func(m *logBuilder) {
		m.line(results.Scanned{Type: "scanned", Users: []string{userName(2), userName(3)}})
	}
	ends := func(exit int, stopped string) func(*logBuilder) { return func(m *logBuilder) { m.end(exit, stopped) } }
	interrupted, done := ends(4, "interrupt signal received"), ends(0, "")
	refused := ends(2, "more than 5 passes are to be deleted, nothing was deleted")
	resumed := func(m *logBuilder) { m.begin(0, "sweep", "--all-users", "--resume", "--results", "night.jsonl") }
	tests := []struct {
		name, command string
		lines         []func(*logBuilder)
	}{
		{"refused", "sweep", []func(*logBuilder){seen, refused}},
		{"stopped with nothing", "sweep", []func(*logBuilder){seen, interrupted}},
		{"stopped", "sweep", []func(*logBuilder){revoked, seen, interrupted}},
		{"killed", "sweep", []func(*logBuilder){revoked, seen}},
		{"resumed", "sweep", []func(*logBuilder){revoked, interrupted, resumed, seen, done}},
		{"nothing to do", "sweep", []func(*logBuilder){seen, done}},
		{"a scan", "scan", []func(*logBuilder){seen, interrupted}},
	}
	var got strings.Builder
	for _, tt := range tests {
		m := &logBuilder{now: night}
		m.begin(0, tt.command, "--all-users", "--results", "night.jsonl")
		for _, line := range tt.lines {
			m.later(time.Second)
			line(m)
		}
		path := m.write(t, "night.jsonl")
		r := reportOf(t, path)
		said := append([]string{r.Verdict()}, r.Notes()...)
		for _, s := range r.steps() {
			said = append(said, s.Heading, s.String())
		}
		all := strings.ReplaceAll(strings.Join(said, "\n"), filepath.Dir(path)+"/", "")
		fmt.Fprintf(&got, "-- %s\n%s\n", tt.name, all)
	}
	golden(t, "unfinished scans.txt", got.String())
}

// A switch may have a value.
func TestSimulatedSwitch(t *testing.T) {
	for arg, want := range map[string]bool{"--simulate": true, "--simulate=true": true, "--simulate=1": true,
		"--simulate=false": false, "--simulated": false} {
		m := &logBuilder{now: night}
		m.run("a.csv", 1, arg)
		m.row("a.csv", 2, results.NotSent)
		m.end(4, "interrupt signal received")
		r := reportOf(t, m.write(t, "log.jsonl"))
		check(t, arg+": simulated", r.Runs[0].simulated(), want)
		check(t, arg+": has no command", r.Resume[0].Command == "", want)
	}
}

// Rows that were never sent take no time, and do not make a run look faster.
func TestPace(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 4)
	m.later(2 * time.Second)
	for i, o := range []results.Outcome{results.Revoked, results.Denied, results.NotSent, results.NotSent} {
		m.row("a.csv", i+2, o)
	}
	m.end(4, "interrupt signal received")
	check(t, "pairs per second", reportOf(t, m.write(t, "log.jsonl")).PairsPerSecond, 1)
}

// What remains is revoked where it was seen.
func TestListCommand(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "tapsweep revoke proof.jsonl"},
		{[]string{"verify", "--cloud", "usgov", "--results", "proof.jsonl", "--certificate=app.pem", "--verify-wait", "1m",
			"incident.jsonl"},
			"tapsweep revoke --cloud usgov --certificate=app.pem proof.jsonl"},
		{[]string{"verify", "--tenant", "\x1b[2J", "incident.jsonl"}, ""},
		// The log names those who are spared, and what was to be looked at is looked at.
		{[]string{"revoke", "--yes", "--verify", "--protect", "glass.txt", "--protect=more.txt", "--results", "v.jsonl",
			"a.csv"},
			"tapsweep revoke --protect glass.txt --protect=more.txt --verify proof.jsonl"},
	} {
		if got, _ := ListCommand("proof.jsonl", ran(tt.args...)); got != tt.want {
			t.Errorf("ListCommand(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

// Waiting for the network is reported apart from what the tenant asks for.
func TestOutageIsReported(t *testing.T) {
	for throttled, want := range map[bool]string{
		false: "there was no connection",
		true:  "requests had been refused, or there was no connection",
	} {
		m := &logBuilder{now: night}
		m.run("a.csv", 1)
		if throttled {
			m.wait(5*time.Second, 20)
		}
		m.line(results.Wait{Type: "wait", Time: night.Add(10 * time.Second), Until: night.Add(100 * time.Second),
			Quota: results.NoConnection})
		m.later(2 * time.Minute)
		m.row("a.csv", 2, results.Revoked)
		m.end(0, "")
		path := m.write(t, "log.jsonl")
		r := reportOf(t, path)
		check(t, "why it waited", r.WaitsFor(), want)
		check(t, "seconds offline", r.Waits.Quotas[results.NoConnection].Seconds, 90)
		page := pageOf(t, Page{}, path)
		check(t, "rows of the outage", strings.Count(page, "<tr><th scope=\"row\">no connection<"), 1)
	}
}

// Refusals that came after the last wait had begun are in a line without a length. It is no wait.
func TestWaitOfNoLength(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 1)
	m.wait(5*time.Second, 20)
	m.later(10 * time.Second)
	m.row("a.csv", 2, results.Revoked)
	m.wait(0, 3)
	m.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	check(t, "waits", r.Waits.Count, 1)
	check(t, "refused", r.Waits.Refused, 23)
	check(t, "waits for the quota", r.Waits.Quotas["write"].Count, 1)
	check(t, "refused by the quota", r.Waits.Quotas["write"].Refused, 23)
}

package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

// found is a log of a scan of so many users, some of whom hold a pass.
func found(users, held, failed int) *made {
	m := &made{now: night}
	m.begin(0, "scan", "--all-users", "--results", "scan.jsonl", "--output", "left-over.csv")
	var none []string
	for i := range users {
		m.later(10 * time.Millisecond)
		switch {
		case i < held:
			m.row(results.ScanSource, 0, results.Found, of(by(i), pass(i)), upn("u"+by(i)), func(r *results.Row) { r.Reason = "expired" })
		case i < held+failed:
			m.row(results.ScanSource, 0, results.Failed, of(by(i), ""))
		default:
			none = append(none, by(i))
		}
	}
	m.line(results.Scanned{Type: "scanned", Users: none})
	m.later(time.Second)
	m.end(0, "")
	return m
}

// A scan had its passes as pairs that are done, in the colour of what is not.
func TestScan(t *testing.T) {
	l := open(t, found(400, 40, 3).write(t, "scan.jsonl"))
	r, err := New(t.Context(), l, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Verdict(), "40 passes found, 397 users looked at, 3 could not be looked at."; got != want {
		t.Errorf("verdict %q, want %q", got, want)
	}
	if got, want := r.Runs[0].ExitText(), "0, everybody was looked at"; got != want {
		t.Errorf("exit %q, want %q", got, want)
	}
	if last := r.Progress[len(r.Progress)-1]; last.Found != 40 || last.Left != 3 || r.Done != 0 || r.Left != 3 {
		t.Errorf("%+v, done %d, left %d", last, r.Done, r.Left)
	}
	var page bytes.Buffer
	if err := r.HTML(t.Context(), &page, l, Page{}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{text(t, r), page.String()} {
		for _, wrong := range []string{"not done</h2>", "\nnot done:", "were before", "pass was", "pairs"} {
			if strings.Contains(strings.ReplaceAll(s, `"pairs`, ""), wrong) && !strings.Contains(s, "<script") {
				t.Errorf("%q is said of a scan", wrong)
			}
		}
	}
	if !strings.Contains(page.String(), `class="area s-found"`) || strings.Contains(page.String(), `class="c1`) {
		t.Error("no area of its own, or a column of lines")
	}
}

// A pass that a scan found and a run deleted was counted twice.
func TestScanThenRevoke(t *testing.T) {
	scan := found(30, 4, 0).write(t, "scan.jsonl")
	list := &made{now: night.Add(time.Hour)}
	list.begin(4, "revoke", "--yes", "left-over.csv")
	list.row("left-over.csv", 2, results.Revoked, of(by(0), pass(0)))
	list.row("left-over.csv", 3, results.Denied, of("u"+by(1), pass(1))) // by the other name
	list.row("left-over.csv", 4, results.Revoked, of(by(2), "another"))
	list.end(1, "")
	sweep := &made{now: night.Add(time.Hour)}
	sweep.begin(0, "sweep", "--all-users", "--yes")
	for i := range 3 {
		sweep.row(results.ScanSource, 0, results.Revoked, of(by(i), pass(i)))
	}
	sweep.end(0, "")
	log := &made{now: night.Add(time.Hour)} // of the scan's log as a list
	log.begin(4, "revoke", "--yes", scan)
	for i := range 4 {
		log.row(scan, 2+i, results.Revoked, of(by(i), pass(i)))
	}
	log.end(0, "")
	tests := []struct {
		name string
		log  *made
		want map[results.Outcome]int
	}{
		{"list", list, map[results.Outcome]int{results.Revoked: 2, results.Denied: 1, results.Found: 2}},
		{"sweep", sweep, map[results.Outcome]int{results.Revoked: 3, results.Found: 1}},
		{"log", log, map[results.Outcome]int{results.Revoked: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf(t, scan, tt.log.write(t, "next.jsonl"))
			if diff := cmp.Diff(tt.want, r.Counts); diff != "" || r.kind == "scan" {
				t.Errorf("%s, counts (-want +got):\n%s", r.kind, diff)
			}
		})
	}
}

// tapsweep scan > scan, and a run on that list.
func TestListCalledScan(t *testing.T) {
	m := &made{now: night}
	m.begin(3, "revoke", "--yes", "scan")
	m.row("scan", 2, results.Failed, anyPass, of("id-1", ""))
	m.row("scan", 3, results.Duplicate, anyPass, of("id-1", ""))
	m.row("scan", 4, results.Revoked, of("id-1", "m1"))
	m.end(1, "")
	r := reportOf(t, m.write(t, "s.jsonl"))
	want := map[results.Outcome]int{results.Failed: 1, results.Duplicate: 1, results.Revoked: 1}
	if diff := cmp.Diff(want, r.Counts); diff != "" || r.WithoutRow != 0 {
		t.Errorf("%d without a row, counts (-want +got):\n%s", r.WithoutRow, diff)
	}
}

// A look that failed one night counted for ever.
func TestLookMadeUpFor(t *testing.T) {
	tests := []struct {
		name string
		next func(m *made)
		want map[results.Outcome]int
	}{
		{"nothing held", func(m *made) { m.line(results.Scanned{Type: "scanned", Users: []string{"ID-1"}}) }, map[results.Outcome]int{}},
		{"deleted", func(m *made) { m.row(results.ScanSource, 0, results.Revoked, of("id-1", "m1")) }, map[results.Outcome]int{results.Revoked: 1}},
		{"failed again", func(m *made) { m.row(results.ScanSource, 0, results.Failed, of("id-1", "")) }, map[results.Outcome]int{results.Failed: 1}},
		{"another user", func(m *made) { m.line(results.Scanned{Type: "scanned", Users: []string{"id-2"}}) }, map[results.Outcome]int{results.Failed: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &made{now: night}
			m.begin(0, "sweep", "--all-users", "--yes", "--resume")
			m.row(results.ScanSource, 0, results.Failed, of("id-1", ""))
			m.later(24 * time.Hour)
			m.begin(0, "sweep", "--all-users", "--yes", "--resume")
			tt.next(m)
			m.end(0, "")
			r := reportOf(t, m.write(t, "s.jsonl"))
			if diff := cmp.Diff(tt.want, r.Counts); diff != "" || r.Pairs != len(tt.want) {
				t.Errorf("%d pairs, counts (-want +got):\n%s", r.Pairs, diff)
			}
		})
	}
}

// Pairs without a row are a part of the whole.
func TestNoRow(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 10)
	for i := range 4 {
		m.later(time.Second)
		m.row("a.csv", i+2, results.Revoked)
	}
	r := reportOf(t, m.write(t, "a.jsonl"))
	shares := r.shares()
	if len(shares) != 2 || shares[0].Share != "40.0 %" || shares[1].Outcome != "no row" || shares[1].Share != "60.0 %" || shares[1].Class != "none" {
		t.Errorf("shares %+v", shares)
	}
	if c := r.charts()[0]; c.Total == nil || c.Total.Text != "10 in all" || c.Grid[len(c.Grid)-1].Text != "10" {
		t.Errorf("chart %+v", c)
	}
	if s := text(t, r); !strings.Contains(s, "revoked                  4  40.0 %") && !strings.Contains(s, "40.0 %") {
		t.Errorf("text:\n%s", s)
	}
}

// Logs without a tenant let two tenants into one report.
func TestTenants(t *testing.T) {
	log := func(at time.Duration, tenant string) string {
		m := &made{now: night.Add(at)}
		m.line(results.Run{Type: "run", Tenant: tenant, GraphRoot: "https://graph.microsoft.com", Start: m.now})
		return m.write(t, "l.jsonl")
	}
	untold, one, same, other := log(0, ""), log(1, "contoso.com"), log(2, "Contoso.COM"), log(3, "fabrikam.com")
	if l, err := OpenLogs(t.Context(), []string{untold, one, same}); err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
	if l, err := OpenLogs(t.Context(), []string{untold, one, other}); err == nil || !strings.Contains(err.Error(), "it is of tenant fabrikam.com") {
		t.Errorf("two tenants: %v", err)
		if err == nil {
			l.Close()
		}
	}
}

// Numbers and times that cannot be made sums that cannot be.
func TestAbsurd(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 1<<62)
	m.row("a.csv", 2, results.Revoked, func(r *results.Row) { r.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) })
	m.row("a.csv", 3, results.Revoked, func(r *results.Row) { r.Time = time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC) })
	for range 3 {
		m.wait(time.Second, 1<<62)
	}
	m.later(10 * time.Second)
	m.row("a.csv", 4, results.Revoked)
	m.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"))
	if r.Waits.Refused != maxCount || r.WithoutRow != maxCount-3 || r.Seconds != 10 || !r.Start.Equal(night) {
		t.Errorf("%d refused, %d without a row, %v s from %v", r.Waits.Refused, r.WithoutRow, r.Seconds, r.Start)
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "6 times or numbers that cannot be") {
		t.Errorf("notes: %s", notes)
	}
	if r.All() <= 0 || !strings.Contains(r.Verdict(), "2,147,483,647 pairs") {
		t.Errorf("verdict %s", r.Verdict())
	}
}

// A scan that was stopped has not seen everybody, and once nothing in its report said so:
// that of a sweep which --max-items had refused read as if there had been nothing to do.
func TestUnfinishedScan(t *testing.T) {
	revoked := func(m *made) { m.row(results.ScanSource, 0, results.Revoked, of(by(1), pass(1))) }
	seen := func(m *made) { m.line(results.Scanned{Type: "scanned", Users: []string{by(2), by(3)}}) }
	ends := func(exit int, stopped string) func(*made) { return func(m *made) { m.end(exit, stopped) } }
	again := func(m *made) { m.begin(0, "sweep", "--all-users", "--resume", "--results", "night.jsonl") }
	tests := []struct {
		name, command string
		lines         []func(*made)
		verdict, note string
		resume        string // the note beside the command, "-" if there is none
	}{
		{"refused", "sweep", []func(*made){seen, ends(2, "more than 5 passes are to be deleted, nothing was deleted")},
			"Refused, and nothing was deleted; 2 users looked at.", "was refused: more than 5 passes", "once what it was refused for is changed"},
		{"stopped with nothing", "sweep", []func(*made){seen, ends(4, "interrupt signal received")},
			"Nothing was deleted before the scan was stopped, 2 users looked at.", "was stopped: interrupt signal received. It had not looked at all users", ""},
		{"stopped", "sweep", []func(*made){revoked, seen, ends(4, "interrupt signal received")},
			"The one pair is done; the scan has not come to its end.", "was stopped: interrupt", ""},
		{"killed", "sweep", []func(*made){revoked, seen}, "The one pair is done; the scan has not come to its end.", "had not looked at all users", ""},
		{"gone on with", "sweep", []func(*made){revoked, ends(4, "interrupt signal received"), again, seen, ends(0, "")}, "The one pair is done.", "", "-"},
		{"nothing to do", "sweep", []func(*made){seen, ends(0, "")}, "No pass was to be deleted, 2 users looked at.", "", "-"},
		{"a scan", "scan", []func(*made){seen, ends(4, "interrupt signal received")}, "0 passes found, 2 users looked at; the scan has not come to its end.", "was stopped", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &made{now: night}
			m.begin(0, tt.command, "--all-users", "--results", "night.jsonl")
			for _, line := range tt.lines {
				m.later(time.Second)
				line(m)
			}
			r, err := New(t.Context(), open(t, m.write(t, "night.jsonl")), nil)
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(r.Notes(), "\n")
			if r.Verdict() != tt.verdict || !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("verdict %q, want %q\nnotes %q, want %q", r.Verdict(), tt.verdict, notes, tt.note)
			}
			if tt.resume == "-" {
				if len(r.Resume) != 0 {
					t.Errorf("to go on: %+v", r.Resume)
				}
			} else if len(r.Resume) != 1 || r.Resume[0].Command == "" || r.Resume[0].Note != tt.resume {
				t.Errorf("to go on: %+v, want the note %q", r.Resume, tt.resume)
			}
		})
	}
}

// A drill is one however the switch was written, and rows that were never sent take no
// time that could be a pace.
func TestSwitchesAndPace(t *testing.T) {
	for arg, drill := range map[string]bool{"--simulate": true, "--simulate=true": true, "--simulate=1": true, "--simulate=false": false, "--simulated": false} {
		m := &made{now: night}
		m.run("a.csv", 4, arg)
		m.later(2 * time.Second)
		m.row("a.csv", 2, results.Revoked)
		m.row("a.csv", 3, results.Denied)
		m.row("a.csv", 4, results.NotSent)
		m.row("a.csv", 5, results.NotSent)
		m.end(4, "interrupt signal received")
		r, err := New(t.Context(), open(t, m.write(t, "log.jsonl")), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(r.Notes(), "\n"), "drill"); got != drill || (r.Resume[0].Command == "") != drill {
			t.Errorf("%s: a drill: %v, to go on %+v", arg, got, r.Resume)
		}
		if r.PairsPerSecond != 1 {
			t.Errorf("%v pairs/s, want 1", r.PairsPerSecond)
		}
	}
}

// What remains is revoked where it was seen.
func TestListCommand(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "tapsweep revoke proof.jsonl"},
		{[]string{"verify", "--cloud", "usgov", "--results", "proof.jsonl", "--certificate=app.pem", "--verify-wait", "1m", "incident.jsonl"},
			"tapsweep revoke --cloud usgov --certificate=app.pem proof.jsonl"},
		{[]string{"verify", "--tenant", "\x1b[2J", "incident.jsonl"}, ""},
		// The log names those who are spared, and what was to be looked at is looked at.
		{[]string{"revoke", "--yes", "--verify", "--protect", "glass.txt", "--protect=more.txt", "--results", "v.jsonl", "a.csv"},
			"tapsweep revoke --protect glass.txt --protect=more.txt --verify proof.jsonl"},
	} {
		if got := listCommand("proof.jsonl", ran(tt.args...)); got != tt.want {
			t.Errorf("listCommand(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

// An outage is told apart from what the tenant asks for.
func TestOutageIsReported(t *testing.T) {
	for _, throttled := range []bool{false, true} {
		m := &made{now: night}
		m.run("a.csv", 1)
		if throttled {
			m.wait(5*time.Second, 20)
		}
		m.line(results.Wait{Type: "wait", Time: night.Add(10 * time.Second), Until: night.Add(100 * time.Second), Quota: results.NoConnection})
		m.later(2 * time.Minute)
		m.row("a.csv", 2, results.Revoked)
		m.end(0, "")
		l := open(t, m.write(t, "log.jsonl"))
		r, err := New(t.Context(), l, nil)
		if err != nil {
			t.Fatal(err)
		}
		if notes := strings.Join(r.Notes(), "\n"); notes != "There was no connection for 1 min 30 s in all, in which nothing could be sent." {
			t.Errorf("notes %q", notes)
		}
		var page bytes.Buffer
		if err := r.HTML(t.Context(), &page, l, Page{}); err != nil {
			t.Fatal(err)
		}
		want := "Waits, as there was no connection"
		if throttled {
			want = "Waits, as requests had been refused, or there was no connection"
		}
		if !strings.Contains(page.String(), want+"<") || !strings.Contains(page.String(), "<tr><th scope=\"row\">no connection<") {
			t.Errorf("not in the page: %s", want)
		}
	}
}

// Refusals that came after the last wait had begun are told in a line of no length. It
// counted as a wait, and the words were of 429 and of what a tenant asks for, where
// batches had been answered with 503.
func TestWaitOfNoLength(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 1)
	m.wait(5*time.Second, 20)
	m.later(10 * time.Second)
	m.row("a.csv", 2, results.Revoked)
	m.wait(0, 3)
	m.end(0, "")
	l := open(t, m.write(t, "a.jsonl"))
	r, err := New(t.Context(), l, nil)
	if err != nil {
		t.Fatal(err)
	}
	if q := r.Waits.Quotas["write"]; r.Waits.Count != 1 || q.Count != 1 || r.Waits.Refused != 23 || q.Refused != 23 {
		t.Errorf("waits %+v", r.Waits)
	}
	var page bytes.Buffer
	if err := r.HTML(t.Context(), &page, l, Page{}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"(429)", "asked for"} {
		if strings.Contains(page.String(), wrong) {
			t.Errorf("%q in the page", wrong)
		}
	}
	if !strings.Contains(page.String(), "with 429, or with 503 as a whole batch") {
		t.Error("the page does not say what was refused")
	}
}

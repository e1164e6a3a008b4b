package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// found returns the log of a scan. Some of its users hold a pass.
func found(t testing.TB, users, held, failed int) (path string) {
	expired := func(r *results.Row) { r.Reason = "expired" }
	var pieces []piece
	var none []string
	for i := range users {
		pieces = append(pieces, later(10*time.Millisecond))
		switch {
		case i < held:
			pieces = append(pieces, scanRow(results.Found, userName(i), pass(i), upn("u"+userName(i)), expired))
		case i < held+failed:
			pieces = append(pieces, scanRow(results.Failed, userName(i), ""))
		default:
			none = append(none, userName(i))
		}
	}
	return logOf(t, 0, 0, "scan --all-users --results scan.jsonl --output left-over.csv",
		append(pieces, scanned(none...), later(time.Second), ends(0))...)
}

// What a scan found is neither done nor left, and has a colour of its own.
func TestScan(t *testing.T) {
	path := found(t, 400, 40, 3)
	r := reportOf(t, path)
	assert.Same(t, "done", r.Done, 0)
	assert.Same(t, "left", r.Left, 3)
	assert.Same(t, "found", r.Counts[results.Found], 40)
	golden(t, "scan.txt", text(t, r, path))
	page := pageOf(t, htmlPage{}, path)
	assert.Same(t, "areas of passes found", strings.Count(page, `class="area s-found"`), 1)
}

// A pass that a scan found and a run deleted was counted twice.
func TestScanThenRevoke(t *testing.T) {
	scan := found(t, 30, 4, 0)
	var sweep, log []piece
	for i := range 4 {
		log = append(log, row(2+i, results.Revoked, aboutPass(userName(i), pass(i))))
		if i < 3 {
			sweep = append(sweep, scanRow(results.Revoked, userName(i), pass(i)))
		}
	}
	for _, tt := range []struct {
		name, command string
		rows          []piece
		want          tally
	}{
		{"list", "revoke --yes left-over.csv", []piece{row(2, results.Revoked, aboutPass(userName(0), pass(0))),
			row(3, results.Denied, aboutPass("u"+userName(1), pass(1))), // by the other name
			row(4, results.Revoked, aboutPass(userName(2), "another"))},
			tally{results.Revoked: 2, results.Denied: 1, results.Found: 2}},
		{"sweep", "sweep --yes --all-users", sweep, tally{results.Revoked: 3, results.Found: 1}},
		{"log", "revoke --yes " + scan, log, tally{results.Revoked: 4}},
	} {
		r := reportOf(t, scan, logOf(t, time.Hour, 4, tt.command, append(tt.rows, ends(0))...))
		assert.Equal(t, tt.name, r.Counts, tt.want)
		assert.Same(t, tt.name+": shown as a scan", r.kind == "scan", false)
	}
}

// A list may be called like the source of a scan.
func TestListCalledScan(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 3, "revoke --yes scan", row(2, results.Failed, anyPass, aboutPass("id-1", "")),
		row(3, results.Duplicate, anyPass, aboutPass("id-1", "")), row(4, results.Revoked, aboutPass("id-1", "m1")),
		ends(1)))
	assert.Equal(t, "counts", r.Counts, tally{results.Failed: 1, results.Duplicate: 1, results.Revoked: 1})
	assert.Same(t, "pairs without a row", r.WithoutRow, 0)
}

// A user who could not be looked at one night counts until a later run has looked, or no longer has this user.
func TestLookMadeUpFor(t *testing.T) {
	failed := scanRow(results.Failed, "id-1", "")
	for _, tt := range []struct {
		name string
		next piece
		want tally
	}{
		{"nothing held", scanned("ID-1"), tally{}},
		{"deleted", scanRow(results.Revoked, "id-1", "m1"), tally{results.Revoked: 1}},
		{"failed again", failed, tally{results.Failed: 1}},
		{"another user", scanned("id-2"), tally{}},
	} {
		r := reportOf(t, logOf(t, 0, 0, "sweep --all-users --yes", failed,
			next(0, "sweep --all-users --yes --resume"), tt.next, ends(0)))
		assert.Equal(t, tt.name, r.Counts, tt.want)
		assert.Same(t, tt.name+": pairs", r.Pairs, len(tt.want))
	}
}

// A sweep that is stopped after its scan says in its last line that the scan was complete: passes that it did not find
// again no longer count, until a later run finds one.
func TestNotFoundAgain(t *testing.T) {
	complete := func(m *logBuilder) {
		m.line(results.End{Type: "end", Exit: 4, Stopped: "throttled", Scanned: true, End: m.now, Lines: m.lines()})
	}
	again := next(0, "sweep --all-users --yes --resume")
	log := []piece{scanRow(results.NotSent, "id-1", "m1"), scanRow(results.NotSent, "id-2", "m2"), complete, again,
		scanRow(results.NotSent, "id-2", "m2"), scanRow(results.NotSent, "id-3", "m3")}
	for _, tt := range []struct {
		name string
		rest []piece
		want tally
	}{
		{"scan complete", []piece{complete}, tally{results.NotSent: 2}},
		{"scan stopped", []piece{stopped(4, "throttled")}, tally{results.NotSent: 3}},
		{"found later", []piece{complete, again, scanRow(results.Denied, "id-1", "m1"), stopped(4, "throttled")},
			tally{results.NotSent: 2, results.Denied: 1}},
	} {
		r := reportOf(t, logOf(t, 0, 0, "sweep --all-users --yes", append(slices.Clone(log), tt.rest...)...))
		assert.Equal(t, tt.name, r.Counts, tt.want)
	}
	r := reportOf(t, logOf(t, 0, 0, "sweep --all-users --yes", append(log, complete)...),
		logOf(t, 5*time.Hour, 0, "scan --all-users --results scan.jsonl", scanRow(results.Found, "id-1", "m1"),
			ends(0)))
	assert.Equal(t, "found by another scan", r.Counts, tally{results.NotSent: 2, results.Found: 1})
}

// Pairs without a row are a part of the whole.
func TestNoRow(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 10, "revoke a.csv", row(2, results.Revoked), row(3, results.Revoked),
		row(4, results.Revoked), row(5, results.Revoked)))
	shares := r.Shares()
	assert.Same(t, "outcomes", len(shares), 2)
	assert.Same(t, "share of revoked", shares[0].Share, "40.0 %")
	assert.Same(t, "second outcome", shares[1].Outcome, noRow)
	assert.Same(t, "share without a row", shares[1].Share, "60.0 %")
	chart := r.Chart()
	assert.Same(t, "line of all pairs", chart.Total.Text, "10 in all")
	assert.Same(t, "highest line of the grid", chart.Grid[len(chart.Grid)-1].Text, "10")
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
	assert.Same(t, "refused", r.Waits.Refused, maxCount)
	assert.Same(t, "without a row", r.WithoutRow, maxCount-3)
	assert.Same(t, "seconds", r.Seconds, 10)
	assert.Same(t, "start", r.Start, night)
	assert.Same(t, "verdict", r.Verdict(), "3 passes are gone. 2,147,483,644 rows of the list have no result.")
}

// A scan that was stopped has not looked at all users, and its report says so.
func TestUnfinishedScan(t *testing.T) {
	revoked, seen := scanRow(results.Revoked, userName(1), pass(1)), scanned(userName(2), userName(3))
	interrupted := stopped(4, "interrupt signal received")
	refused := stopped(64, "more than 5 passes are to be deleted, nothing was deleted")
	var got strings.Builder
	for _, tt := range []struct {
		name, command string
		lines         []piece
	}{
		{"refused", "sweep", []piece{seen, refused}},
		{"stopped with nothing", "sweep", []piece{seen, interrupted}},
		{"stopped", "sweep", []piece{revoked, seen, interrupted}},
		{"killed", "sweep", []piece{revoked, seen}},
		{"resumed", "sweep", []piece{revoked, interrupted, next(0, "sweep --all-users --resume"), seen, ends(0)}},
		{"nothing to do", "sweep", []piece{seen, ends(0)}},
		{"a scan", "scan", []piece{seen, interrupted}},
	} {
		path := logOf(t, 0, 0, tt.command+" --all-users --results night.jsonl", tt.lines...)
		r := reportOf(t, path)
		said := append([]string{r.Verdict()}, r.Notes()...)
		for _, s := range r.Steps() {
			said = append(said, s.Heading(), s.String())
		}
		all := strings.ReplaceAll(strings.Join(said, "\n"), filepath.Dir(path)+"/", "")
		fmt.Fprintf(&got, "-- %s\n%s\n", tt.name, all)
	}
	golden(t, "unfinished scans.txt", got.String())
}

// Rows that were never sent take no time, and do not make a run look faster.
func TestPace(t *testing.T) {
	path := logOf(t, 0, 4, "revoke a.csv", later(2*time.Second), row(2, results.Revoked), row(3, results.Denied),
		row(4, results.NotSent), row(5, results.NotSent), stopped(4, "interrupt signal received"))
	assert.Same(t, "pairs per second", reportOf(t, path).PairsPerSecond, 1)
}

// Waiting for the network is reported apart from what the tenant asks for.
func TestOutageIsReported(t *testing.T) {
	outage := results.Wait{Type: "wait", Time: night.Add(10 * time.Second), Until: night.Add(100 * time.Second),
		Quota: results.NoConnection}
	path := logOf(t, 0, 1, "revoke a.csv", func(m *logBuilder) { m.line(outage) }, later(2*time.Minute),
		row(2, results.Revoked), ends(0))
	r := reportOf(t, path)
	assert.Same(t, "why it waited", r.WaitsFor(), "Graph throttled, or there was no connection")
	assert.Same(t, "seconds offline", r.Waits.Quotas[results.NoConnection].Seconds, 90)
	assert.Same(t, "rows of the outage", strings.Count(pageOf(t, htmlPage{}, path),
		"<tr><th scope=\"row\">no connection<"), 1)
}

// Refusals that came after the last wait had begun are in a line without a length. It is no wait.
func TestWaitOfNoLength(t *testing.T) {
	r := reportOf(t, logOf(t, 0, 1, "revoke a.csv", waits(5*time.Second, 20), later(10*time.Second),
		row(2, results.Revoked), waits(0, 3), ends(0)))
	assert.Same(t, "waits", r.Waits.Count, 1)
	assert.Same(t, "refused", r.Waits.Refused, 23)
	assert.Same(t, "waits for the quota", r.Waits.Quotas["write"].Count, 1)
	assert.Same(t, "refused by the quota", r.Waits.Quotas["write"].Refused, 23)
}

package main

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A page of many passes has a CSV file beside it, which never replaces the list, even if the list has the
// name that the file would have.
func TestReportSparesList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log strings.Builder
	fmt.Fprintf(&log, `{"type":"run","command":["revoke","--yes","incident.csv"],"tenant":"t","pairs":%d,`+
		`"start":"2026-03-02T08:00:00Z"}`+"\n", report.MaxInline+1)
	for i := range report.MaxInline + 1 {
		fmt.Fprintf(&log, `{"type":"result","line":%d,"source":"incident.csv","user":"u%d@contoso.com",`+
			`"method":"m","outcome":"revoked","time":"2026-03-02T08:00:01Z"}`+"\n", i+2, i)
	}
	write(t, dir+"/incident.csv", "user,method\n")
	write(t, dir+"/log.jsonl", log.String())
	for i, more := range []string{"--overwrite=false", "--overwrite"} {
		csv := fmt.Sprintf("incident-%d.csv", i+2)
		tapsweep(t, nil, "report", "--html", dir+"/incident.html", dir+"/log.jsonl", more).ends(t, status.Done,
			"wrote "+dir+"/"+csv)
		same(t, "the list", readText(t, dir+"/incident.csv"), "user,method\n")
		same(t, "lines of "+csv, strings.Count(readText(t, dir+"/"+csv), "\n"), report.MaxInline+2)
		holds(t, "the page", readText(t, dir+"/incident.html"), `href="./`+csv)
	}
}

// A report has a row for each pass, also where a list has several on one line, and counts the passes that
// are listed again. A run that resumes sends what is left of the line.
func TestReportOfCompactJSON(t *testing.T) {
	t.Parallel()
	const first, second = "9f0c11aa-1111-4222-8333-444444444441", "9f0c11aa-1111-4222-8333-444444444442"
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Path: first, Times: 1, Do: fault.ItemStatus(403)}))
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.example", Passes: []graphsim.Pass{{ID: first}, {ID: second}}})
	env := serve(t, tenant)
	var objects []string
	for _, pass := range []string{first, second, second, first, first} {
		objects = append(objects, fmt.Sprintf(`{"user":"dana@contoso.example","method":%q}`, pass))
	}
	list := writeFile(t, "list.json", "["+strings.Join(objects, ",")+"]")
	dir := t.TempDir()
	for run, became := range []string{"denied", "revoked"} {
		tapsweep(t, env, "revoke", "--yes", "--quiet", "--results", dir+"/log.jsonl", "--resume", list).ends(t, 1-run)
		p := tapsweep(t, nil, "report", "--overwrite", "--csv", dir+"/r.csv", "--html", dir+"/r.html", "--json", "-",
			dir+"/log.jsonl")
		var sum report.Report
		decode(t, p.stdout, &sum)
		same(t, "passes in the report", sum.Pairs, 5)
		same(t, "passes without a row", sum.WithoutRow, 0)
		same(t, "duplicates", sum.Counts["duplicate"], 3)
		same(t, "rows of the page", strings.Count(readText(t, dir+"/r.html"), "<tr data-o="), 2)
		table := readTable(t, dir+"/r.csv")
		same(t, "rows of the table", len(table), 2)
		outcome := map[string]string{table[0]["method"]: table[0]["outcome"], table[1]["method"]: table[1]["outcome"]}
		same(t, "outcome of the first pass", outcome[first], became)
		same(t, "outcome of the second pass", outcome[second], "revoked")
		differs(t, "column of the second pass", table[1]["column"], table[0]["column"])
	}
}

// readTable returns the rows of a CSV file by the names of their columns.
func readTable(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	table, err := csv.NewReader(strings.NewReader(readText(t, path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range table[1:] {
		row := make(map[string]string)
		for i, cell := range cells {
			row[table[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows
}

// The summary, the metrics and the report count the same refused requests. A batch that is refused as a
// whole counts each of its requests.
func TestRefusedIsOneNumber(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 5, failing(
		fault.Fault{Do: fault.OuterStatus(503, "Retry-After", "1"), Times: 1},
		fault.Fault{Do: fault.ItemStatus(429, "Retry-After", "1"), Times: 2}))
	dir := t.TempDir()
	p := tapsweep(t, env, "revoke", "--yes", "--results", dir+"/log.jsonl", "--metrics-file", dir+"/m.prom",
		listFile(t, users))
	var r report.Report
	decode(t, tapsweep(t, env, "report", "--json", "-", dir+"/log.jsonl").stdout, &r)
	n := r.Waits.Refused
	atLeast(t, "refused requests in the report", n, 3)
	p.ends(t, status.Done, fmt.Sprintf("throttled: %d requests refused", n))
	holds(t, "the metrics", readText(t, dir+"/m.prom"),
		fmt.Sprintf(`tapsweep_last_run_refused_requests{command="revoke",file="m"} %d`, n))
}

// The command that a run prints to resume has to lead somewhere: to the pass that is there, and
// never to one more row about a user who is protected.
func TestWhatIsPrintedLeadsOn(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	for name, again := range map[string]time.Duration{"ann": 0, "bo": time.Second, "glass": 0} {
		tenant.AddUser(graphsim.User{UPN: name + "@contoso.com", Reissue: again, Passes: []graphsim.Pass{{}}})
	}
	held := tenant.Remaining()
	bo := held[slices.IndexFunc(held, func(h graphsim.HeldPass) bool { return h.UPN == "bo@contoso.com" })].PassID
	env := serve(t, tenant)
	log, glass := newLog(t), writeFile(t, "glass.txt", "glass@contoso.com\n")
	args := []string{"revoke", "--yes", "--verify", "--verify-wait", "3s", "--protect", glass, "--results", log,
		writeFile(t, "list.csv", listOfHeld(held))}
	p := tapsweep(t, env, args...)
	p.ends(t, status.Incomplete)
	lacks(t, "standard error", p.stderr, "Resume: ")
	command := regexp.MustCompile(`(?m)^To revoke what remains: tapsweep (.*)$`).FindStringSubmatch(p.stderr)
	if command == nil {
		t.Fatalf("no command:\n%s", p.stderr)
	}

	// Resuming the run anyway sends nothing, and changes nothing.
	sent := tenant.Stats().Deleted
	tapsweep(t, env, append(args, "--resume")...).ends(t, status.Incomplete)
	same(t, "passes that the tenant deleted", tenant.Stats().Deleted, sent)
	rows, end := readLog(t, lastRun(readText(t, log)))
	hasRows(t, rows, 0)
	same(t, "remains in the last line", end.Counts[results.Remains], 1)
	same(t, "protected in the last line", end.Counts[results.Protected], 1)

	p = tapsweep(t, env, append(strings.Fields(command[1]), "--yes", "--verify-wait", "1s", "--results", "-")...)
	p.ends(t, status.Incomplete)
	same(t, "passes that the second run deleted", tenant.Stats().Deleted, sent+1)
	rows, _ = readLog(t, p.stdout)
	for _, r := range rows {
		if r.User == "bo@contoso.com" && !r.Provisional {
			differs(t, "pass in the new row of bo", r.Method, bo)
			differs(t, "outcome of the new row of bo", r.Outcome, results.Replaced)
		}
	}
}

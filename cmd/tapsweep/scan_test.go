package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/cli"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// leftovers returns a tenant of n users. Every tenth user holds a pass. In turn, these passes
// are expired, used, usable, and scheduled.
func leftovers(n int, opts graphsim.Options) *graphsim.Tenant {
	if opts.Roles == nil {
		opts.Roles = simulation.Roles
	}
	tenant := graphsim.New(opts)
	simulation.FillMixed(tenant, n)
	return tenant
}

// The output shows the exact time that a date in --created-since means.
func TestCreatedSinceIsShown(t *testing.T) {
	t.Parallel()
	day := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	want := "passes created since " + day + "T00:00:00Z\n"
	_, env := serveLeftovers(t, 10, graphsim.Options{Audit: true})
	for _, scope := range []string{"--all-users", "", "--all-users --no-preflight"} {
		t.Run(scope, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "evidence")
			args := append(strings.Fields("sweep --dry-run "+scope), "--created-since", day, "--evidence", dir)
			tapsweep(t, append(env, "TZ=Pacific/Auckland"), args...).ends(t, status.Done)
			holds(t, "preflight.txt", readText(t, dir+"/preflight.txt"), want)
		})
	}
	// A quiet run shows it if it fails.
	tapsweep(t, env, "scan", "--created-since", day, "--filter", "no such filter").ends(t, status.Usage, want)
}

// revoke accepts the list that scan prints, in each format. The user principal names stay with the passes.
func TestScanToRevoke(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "jsonl"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			tenant, env := serveLeftovers(t, 1000, graphsim.Options{EmptyPages: true})
			path := filepath.Join(t.TempDir(), "found."+format)
			p := tapsweep(t, env, "scan", "--all-users", "--reason", "expired,used", "--output", path)
			p.ends(t, 0)
			same(t, "standard output", p.stdout, "")
			same(t, "passes that the tenant deleted", tenant.Stats().Deleted, 0)
			isPrivate(t, path)
			dir := t.TempDir()
			tapsweep(t, env, "revoke", "--yes", "--results", dir+"/log.jsonl", path).ends(t, 0)
			rows := hasRows(t, readText(t, dir+"/log.jsonl"), "revoked 50")
			leaves(t, tenant, 50)
			const name = "user00000@contoso.example"
			same(t, "name in a row", slices.ContainsFunc(rows, func(r results.Row) bool { return r.UPN == name }), true)
			tapsweep(t, env, "report", "--csv", dir+"/r.csv", "--html", dir+"/r.html", dir+"/log.jsonl").ends(t, 0)
			holds(t, "the table", readText(t, dir+"/r.csv"), name)
			holds(t, "the page", strings.ReplaceAll(readText(t, dir+"/r.html"), "<wbr>", ""), name)
		})
	}
}

func TestScanOutput(t *testing.T) {
	t.Parallel()
	_, env := serveLeftovers(t, 40, graphsim.Options{})
	scanAs := func(format string, more ...string) string {
		p := tapsweep(t, env, append([]string{"scan", "--all-users", "--format", format}, more...)...)
		p.ends(t, 0)
		return p.stdout
	}
	const head = "user,method,userPrincipalName,reason,created,start,expires,usableOnce\n"
	text := scanAs("csv")
	same(t, "header", text[:len(head)], head)
	same(t, "lines of the list", strings.Count(text, "\n"), 5)
	var reasons []string
	for text := range strings.Lines(scanAs("jsonl")) {
		var line scan.Line
		decode(t, text, &line)
		reasons = append(reasons, line.Reason)
		same(t, "life of the pass", line.Expires.Sub(line.Start), time.Hour)
		differs(t, "user principal name", line.UPN, "")
		same(t, "creation is not known", line.Created.IsZero(), false)
	}
	slices.Sort(reasons)
	same(t, "reasons", strings.Join(reasons, " "), "expired scheduled usable used")
	text = scanAs("table")
	same(t, "header of the table", text[:5], "USER ")
	same(t, "lines of the table", strings.Count(text, "\n"), 5)
	// Nothing found is a list that says so.
	for format, want := range map[string]string{"jsonl": "", "table": "", "csv": head} {
		same(t, "nothing as "+format, scanAs(format, "--reason", "disabled"), want)
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	_, env := serveLeftovers(t, 10, graphsim.Options{})
	there := writeFile(t, "there.csv", "x")
	lacking := func(roles int) []string {
		return serve(t, leftovers(10, graphsim.Options{Roles: simulation.Roles[:roles]}))
	}
	const group = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		code int
		want string
	}{
		{"nobody", env, nil, status.Usage, "--all-users"},
		{"a list by itself", env, []string{"list.csv"}, status.Usage, "--users"},
		{"reason", env, []string{"--all-users", "--reason", "old"}, status.Usage,
			`--reason "old" is not expired, used, disabled, scheduled or usable`},
		{"unknown cannot be asked for", env, []string{"--all-users", "--reason", "unknown"}, status.Usage, "--reason"},
		{"group by name", env, []string{"--group", "sales"}, status.Usage, "not an object ID"},
		{"group that is not there", env, []string{"--group", group}, status.Usage, "404"},
		{"since", env, []string{"--created-since", "yesterday"}, status.Usage, "24h or 7d"},
		{"since the future", env, []string{"--created-since", "2999-01-01"}, status.Usage, "is not in the past"},
		{"since now", env, []string{"--all-users", "--created-since", "0h"}, status.Usage, "is not in the past"},
		{"since zero days", env, []string{"--created-since", "0d"}, status.Usage, "is not in the past"},
		{"since after now", env, []string{"--all-users", "--created-since=-1h"}, status.Usage, "is not a time such as"},
		{"since, and an age that is greater", env, []string{"--all-users", "--created-since", "1h", "--min-age", "2h"},
			status.Usage, "--created-since 1h and --min-age 2h0m0s"},
		{"expired, and other reasons", env, []string{"--all-users", "--reason", "usable,used", "--expired-for", "1h"},
			status.Usage, "--expired-for has no effect"},
		{"age", env, []string{"--all-users", "--min-age", "old"}, status.Usage, "7d"},
		{"all users, and one of them", env, []string{"--all-users", "--user", "a@contoso.example"}, status.Usage,
			"--all-users cannot be used with --group, --users or --user"},
		{"created by, and a place", env, []string{"--all-users", "--created-by", "x"}, status.Usage, "audit log"},
		{"format", env, []string{"--all-users", "--format", "xml"}, status.Usage, "--format"},
		{"file that is there", env, []string{"--all-users", "--output", there}, status.Usage, "already exists"},
		{"file that is none", env, []string{"--all-users", "--output", os.DevNull}, status.Usage,
			"is not a regular file"},
		{"no such directory", env, []string{"--all-users", "--output", "no/such/file.csv"}, status.Usage, "--output"},
		{"users list that is none", env, []string{"--users", there}, status.Usage, "--users"},
		{"users list without rows", env, []string{"--users", writeFile(t, "header.csv", "user\n")}, 0,
			"header.csv: no user in this list"},
		{"filter that Graph refuses", env, []string{"--filter", "nonsense"}, status.Usage, "400"},
		{"no permission for the audit log", lacking(3), []string{"--created-since", "1h"}, 3, "AuditLog.Read.All"},
		{"no permission for groups", lacking(2), []string{"--group", group}, 3, "GroupMember.Read.All"},
		{"no permission for users", lacking(1), []string{"--all-users"}, 3, "User.ReadBasic.All"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tapsweep(t, tt.env, append([]string{"scan", "--format", "csv"}, tt.args...)...).ends(t, tt.code, tt.want)
		})
	}
}

// A scan that was stopped in the middle resumes where it was. At the end it has found and
// printed each pass once.
func TestScanResumes(t *testing.T) {
	t.Parallel()
	tenant, env := serveLeftovers(t, 3000, graphsim.Options{Latency: 5 * time.Millisecond})
	dir := t.TempDir()
	args := []string{"scan", "--all-users", "--concurrency", "2", "--output", dir + "/found.csv", "--results",
		dir + "/scan.jsonl", "--metrics-file", dir + "/scan.prom"}
	stopped(t, env, args, func() bool { return tenant.Stats().Lists >= 1000 }).ends(t, status.Stopped)
	atMost(t, "LISTs of the first run", tenant.Stats().Lists, 2999)
	tapsweep(t, env, append(args, "--resume")...).ends(t, 0)
	holds(t, "the metrics", readText(t, dir+"/scan.prom"), `outcome="found"} 300`+"\n")
	rows := readTable(t, dir+"/found.csv")
	same(t, "passes in the list", len(rows), 300)
	passes := make(map[string]bool)
	for _, row := range rows {
		passes[row["method"]] = true
	}
	same(t, "different passes in the list", len(passes), 300)
	// Those that were on their way at the signal are looked at again.
	atLeast(t, "LISTs beyond one a user", tenant.Stats().Lists-3000, 0)
	atMost(t, "LISTs beyond one a user", tenant.Stats().Lists-3000, 1000)
	// Other reasons are another scan, which is refused. The list stays as it is.
	before := readText(t, dir+"/found.csv")
	tapsweep(t, env, append(args, "--resume", "--reason", "used")...).ends(t, status.Usage,
		"looked for something else: tapsweep scan ")
	same(t, "the list", readText(t, dir+"/found.csv"), before)
	hasFiles(t, dir, 3)
}

// A run that resumes uses the time that the age in --created-since meant in the first run, and looks for passes in the
// whole window. After a complete run, the window moves.
func TestResumeKeepsTheWindow(t *testing.T) {
	t.Parallel()
	const twoHours, dana = 2 * time.Hour, "dana@contoso.example"
	for _, tt := range []struct{ name, scope string }{
		{"a user", "--user " + dana},
		{"the audit log", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stop := fault.Fault{Times: 1, Do: fault.ItemStatus(429, "Retry-After", "900")}
			tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles, Audit: true, Faults: []fault.Fault{stop}})
			tenant.AddUser(graphsim.User{UPN: dana,
				Passes: []graphsim.Pass{{Created: time.Now().Add(-25 * time.Hour), CreatedBy: new(graphsim.Actor)}}})
			env, log := serve(t, tenant), newLog(t)
			args := append(strings.Fields("scan --format csv --resume --created-since 24h "+tt.scope), "--results", log)
			tapsweep(t, env, append(args, "--max-wait", "1s")...).ends(t, status.Stopped)
			first, rest, _ := strings.Cut(readText(t, log), "\n")
			var header results.Header
			decode(t, first, &header)
			header.Since = header.Since.Add(-twoHours)
			write(t, log, string(assert.Must(json.Marshal(header)))+"\n"+rest)
			for _, want := range []struct {
				run    string
				passes int
			}{{"the stopped run", 1}, {"the complete run", 0}} {
				p := tapsweep(t, env, args...)
				p.ends(t, status.Done)
				same(t, "passes that the run after "+want.run+" finds", strings.Count(p.stdout, "\n")-1, want.passes)
			}
		})
	}
}

// If Graph rejects the LIST of a user, a scan or sweep that resumes sends it again. So the summary and the report say
// how to resume.
func TestRejectedListIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"scan", "sweep --yes"} {
		rejects := fault.Fault{Path: "user00001@", Attempt: 1, Do: fault.ItemStatus(423)}
		env := serve(t, leftovers(2, graphsim.Options{Faults: []fault.Fault{rejects}}))
		log := filepath.Join(t.TempDir(), "log.jsonl")
		args := append(strings.Fields(command), "--user", "user00001@contoso.example", "--results", log)
		tapsweep(t, env, args...).ends(t, status.Incomplete, "rejected", "Resume: tapsweep ", " --resume ")
		report := tapsweep(t, nil, "report", log)
		report.ends(t, 0)
		holds(t, "the report", report.stdout, ": resume the run", " --resume ")
		tapsweep(t, env, append(args, "--resume")...).ends(t, 0)
	}
}

// If the disk is full, the scan reports that it could not write its list.
func TestScanFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	var stderr strings.Builder
	code := cli.Main(t.Context(), cli.Process{Args: []string{"scan", "--all-users", "--format", "csv"},
		Environ: serve(t, leftovers(100, graphsim.Options{})), In: strings.NewReader(""), Out: full, Err: &stderr})
	same(t, "exit code", code, status.Stopped)
	holds(t, "standard error", stderr.String(), "no space left")
}

// A scan that is refused or stopped does not change the list of an earlier scan. It writes the
// passes that it found to a new file, but it writes no empty list.
func TestUnfinishedScanKeepsOutput(t *testing.T) {
	t.Parallel()
	env := serve(t, leftovers(100, graphsim.Options{}))
	faults := []fault.Fault{{Path: "user00010@", Do: fault.ItemStatus(429, "Retry-After", "900")}}
	stops := serve(t, leftovers(100, graphsim.Options{Faults: faults}))
	two := strings.Fields("--user user00000@contoso.example --user user00010@contoso.example --batch-size 1 " +
		"--concurrency 1 --max-wait 1s")
	for _, tt := range []struct {
		name  string
		env   []string
		args  []string
		code  int
		found bool
	}{
		{"refused", env, []string{"--filter", "nonsense"}, status.Usage, false},
		{"stopped", stops, two, status.Stopped, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scanTo := func(path string) process {
				p := tapsweep(t, tt.env, slices.Concat([]string{"scan", "--overwrite", "--output", path}, tt.args)...)
				p.ends(t, tt.code)
				return p
			}
			before := scan.Begins()[0] + "\ndana@contoso.com,,,,,,,\n"
			good := writeFile(t, "good.csv", before)
			p := scanTo(good)
			same(t, "the list", readText(t, good), before)
			holds(t, "standard error", p.stderr, good+" was not written")
			lacks(t, "standard error", p.stderr, "passes: "+good)
			path := filepath.Join(t.TempDir(), "new.csv")
			scanTo(path)
			exists(t, path, tt.found)
		})
	}
}

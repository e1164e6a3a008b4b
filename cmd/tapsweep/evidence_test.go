package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/simulation"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// checkSeal compares the files with the manifest, and the manifest with its printed hash.
func checkSeal(t *testing.T, dir, stderr string) {
	t.Helper()
	hasFiles(t, dir, 7)
	for line := range strings.Lines(readText(t, dir+"/SHA256SUMS")) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		same(t, "sum of "+name, sumOf(t, dir+"/"+name), sum)
		isPrivate(t, dir+"/"+name)
	}
	same(t, "files in the manifest", strings.Count(readText(t, dir+"/SHA256SUMS"), "\n"), 6)
	holds(t, "standard error", stderr, sumOf(t, dir+"/SHA256SUMS"))
}

// sumOf returns the SHA-256 of a file.
func sumOf(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256([]byte(readText(t, path))))
}

// reported returns the report in the directory.
func reported(t *testing.T, dir string) (r report.Report) {
	t.Helper()
	decode(t, readText(t, dir+"/report.json"), &r)
	return r
}

// The evidence has the SHA-256 of the files that the run read.
func TestEvidenceOfInputs(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{Roles: simulation.Roles})
	users := tenant.AddUsers(3)
	list, protected := listFile(t, users), writeFile(t, "glass.txt", "# emergency\n"+users[0].UPN+"\n")
	scope := writeFile(t, "scope.txt", users[1].UPN)
	env := serve(t, tenant)
	for _, args := range [][]string{{"revoke", list}, {"sweep", "--users", scope}} {
		dir := filepath.Join(t.TempDir(), "evidence")
		tapsweep(t, env, append(args, "--yes", "--protect", protected, "--evidence", dir)...).ends(t, 0)
		read := args[len(args)-1]
		want := []report.ReportedFile{{What: "list", Name: read, Digest: "sha256:" + sumOf(t, read)},
			{What: "protect", Name: protected, Digest: "sha256:" + sumOf(t, protected)}}
		assert.Equal(t, "the files of "+args[0], reported(t, dir).Files, want)
		for _, name := range []string{"report.txt", "report.html"} {
			holds(t, name, readText(t, filepath.Join(dir, name)), sumOf(t, read), sumOf(t, protected))
		}
	}
}

// A run writes evidence. The command that it prints resumes it, and that run adds to the evidence.
func TestEvidence(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Path: "user0003@", Times: 1,
		Do: fault.ItemStatus(403)}))
	list := listFile(t, tenant.AddUsers(30))
	env, root := serveAt(t, tenant)
	dir := filepath.Join(t.TempDir(), "incident 4711")
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--evidence", dir, list)
	resume := fmt.Sprintf("tapsweep revoke --resume --evidence '%s' --yes --graph-url %s %s", dir, root, list)
	p.ends(t, 1, "Resume: "+resume+"\n")
	checkSeal(t, dir, p.stderr)
	isPrivate(t, dir)
	same(t, "passes left by the report", reported(t, dir).Left, 1)
	holds(t, "preflight.txt", readText(t, dir+"/preflight.txt"), " revoke --yes --graph-url "+root,
		"signed in as:  app "+entra.DefaultClientID, "UserAuthMethod-TAP.ReadWrite.All")
	holds(t, "report.txt", readText(t, dir+"/report.txt"), // without flags of sign-in from a log
		fmt.Sprintf("tapsweep revoke --resume --evidence '%s' %s", dir, list))
	before, seal := readText(t, dir+"/results.jsonl"), sumOf(t, dir+"/SHA256SUMS")
	p = tapsweep(t, env, "revoke", "--resume", "--evidence", dir, "--yes", "--graph-url", root, list)
	p.ends(t, 0)
	checkSeal(t, dir, p.stderr)
	same(t, "passes done by the report", reported(t, dir).Done, 30)
	same(t, "runs of the report", len(reported(t, dir).Runs), 2)
	preflight := readText(t, dir+"/preflight.txt")
	holds(t, "preflight.txt", preflight, "before this run: all as sealed, SHA-256 of SHA256SUMS "+seal+"\n")
	same(t, "runs in preflight.txt", strings.Count(preflight, "signed in as:"), 2)
	same(t, "the first run in the log", readText(t, dir+"/results.jsonl")[:len(before)], before)

	// A proof is separate evidence. Its report includes the run that it proves.
	proof := filepath.Join(t.TempDir(), "proof")
	p = tapsweep(t, env, "verify", "--evidence", proof, dir+"/results.jsonl")
	p.ends(t, 0)
	checkSeal(t, proof, p.stderr)
	same(t, "passes verified by the report", reported(t, proof).Verified, 30)
	same(t, "passes revoked by the report", reported(t, proof).Counts["revoked"], 30)
}

// Evidence is never replaced. Evidence that cannot be written is refused before anything is sent.
func TestEvidenceRefused(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 2, graphsim.Options{})
	list := listFile(t, users)
	parent := t.TempDir()
	write(t, parent+"/other/report.csv", "mine")
	for _, tt := range []struct{ flags, want string }{
		{"--evidence DIR/a --results DIR/b.jsonl", "--results"},
		{"--evidence DIR/a --overwrite", "never replaced"},
		{"--evidence LIST", "is not a directory\nhint: choose another directory\n"},
		{"--evidence DIR/none/a", "/none: no such file"},
		{"--evidence DIR/other", "has report.csv in it already"},
		{"--evidence DIR/other --resume", "has report.csv in it already"},
		{"--evidence=", "--evidence is empty: "},
		{"--results=", "--results is empty: "},
	} {
		for _, command := range []string{"revoke LIST --yes ", "sweep --all-users --yes "} {
			args := words(command+tt.flags, strings.NewReplacer("DIR", parent, "LIST", list))
			tapsweep(t, env, args...).ends(t, status.Usage, tt.want)
		}
	}
	args := []string{"revoke", "--yes", "--evidence", parent + "/a", list}
	tapsweep(t, append(env, "AZURE_CLIENT_SECRET=wrong"), args...).ends(t, 3)
	hasFiles(t, parent, 1)
	leaves(t, tenant, 2)
	same(t, "the other file", readText(t, parent+"/other/report.csv"), "mine")
}

// No flag makes a run write to sealed evidence. Evidence that somebody has changed is not sealed again.
func TestEvidenceStaysSealed(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 3, graphsim.Options{})
	list := listFile(t, users)
	dir := filepath.Join(t.TempDir(), "evidence")
	seal := tapsweep(t, env, "revoke", "--yes", list, "--evidence", dir).stderr
	checkSeal(t, dir, seal)
	files := strings.NewReplacer("DIR", dir, "LIST", list, "LOG", dir+"/results.jsonl")
	for _, line := range []string{
		"revoke --yes LIST --results LOG --resume",
		"revoke --yes LIST --results LOG --overwrite",
		"report --overwrite --csv DIR/SHA256SUMS LOG",
		"report --overwrite --html DIR/report.html LOG",
		"scan --all-users --results LOG --overwrite",
	} {
		tapsweep(t, env, words(line, files)...).ends(t, status.Usage, "is evidence, which must not change")
	}
	checkSeal(t, dir, seal)
	log := dir + "/results.jsonl"
	write(t, log, strings.Replace(readText(t, log), `"revoked"`, `"absent"`, 1))
	resume := []string{"revoke", "--yes", list, "--resume", "--evidence"}
	tapsweep(t, env, append(resume, dir)...).ends(t, status.Usage, "is not as it was sealed",
		"hint: restore its files as they were")
	exists(t, dir+"/SHA256SUMS", true)

	// Text goes nowhere else, and nobody else can change it.
	elsewhere, open := t.TempDir(), t.TempDir()
	target := writeFile(t, "target", "")
	write(t, elsewhere+"/results.jsonl", "")
	assert.OK(t, errors.Join(os.Symlink(target, elsewhere+"/preflight.txt"), os.Chmod(open, 0o777)))
	tapsweep(t, env, append(resume, elsewhere)...).ends(t, status.Usage, "preflight.txt is not a plain file")
	same(t, "text of the target", readText(t, target), "")
	tapsweep(t, env, append(resume, open)...).ends(t, status.Usage,
		"--evidence: "+open+" can be written to by others")
}

// The log is locked until it is sealed. If another run wrote to it before, the manifest would
// be wrong.
func TestEvidenceIsLockedUntilSealed(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 1000, graphsim.Options{})
	dir := filepath.Join(t.TempDir(), "evidence")
	p := tapsweepWhile(t, env, func() {
		waitWhile(t, func() bool { return tenant.Stats().Deleted == 0 }) // until the run has the lock
		waitWhile(t, func() bool {
			lock := flock.New(dir+"/results.jsonl", flock.SetFlag(os.O_RDWR))
			defer lock.Close()
			free, err := lock.TryLock()
			same(t, "error of the lock", err, nil)
			if free {
				exists(t, dir+"/SHA256SUMS", true)
			}
			return !free && err == nil
		})
	}, "revoke", "--yes", "--evidence", dir, listFile(t, users))
	p.ends(t, 0)
	checkSeal(t, dir, p.stderr)
}

// The night job prints nothing if there was nothing to do, but writes evidence. It does not
// change other files in the directory.
func TestEvidenceOfSweep(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	for _, passes := range [][]graphsim.Pass{nil, {{Created: time.Now().Add(-48 * time.Hour), LifetimeMinutes: 60}}} {
		tenant.AddUser(graphsim.User{UPN: fmt.Sprintf("user%d@contoso.com", len(passes)), Passes: passes})
		dir := t.TempDir()
		p := tapsweep(t, env, "sweep", "--all-users", "--yes", "--evidence", dir)
		p.ends(t, 0)
		same(t, "whether the run is silent", (p.stderr == ""), (passes == nil))
		if passes == nil {
			p.stderr = sumOf(t, dir+"/SHA256SUMS")
		}
		checkSeal(t, dir, p.stderr)
		same(t, "passes done by the report", reported(t, dir).Done, len(passes))
	}
}

// An interrupted run also seals its evidence. A killed run leaves a log without a manifest. The run that
// resumes it writes the manifest.
func TestEvidenceOfStoppedRuns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"interrupted", "killed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 300, graphsim.Options{Latency: 20 * time.Millisecond})
			dir := filepath.Join(t.TempDir(), "evidence")
			args := []string{"revoke", "--yes", "--evidence", dir, "--rate", "100", listFile(t, users)}
			reached := func() bool { return tenant.Stats().Deleted >= 40 }
			if name == "killed" {
				killAt(t, env, args, reached)
				exists(t, dir+"/SHA256SUMS", false)
				tapsweep(t, env, args...).ends(t, status.Usage, "results.jsonl in it already", "--resume")
			} else {
				p := stopped(t, env, args, reached)
				p.ends(t, status.Stopped)
				checkSeal(t, dir, p.stderr)
				differs(t, "passes left by the report", reported(t, dir).Left, 0)
			}
			p := tapsweep(t, env, append(args, "--resume", "--rate", "0")...)
			p.ends(t, 0)
			checkSeal(t, dir, p.stderr)
			same(t, "passes done by the report", reported(t, dir).Done, 300)
		})
	}
}

// If the evidence cannot be written completely, it has no manifest, and the run fails.
func TestEvidenceIncomplete(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 2, graphsim.Options{})
	dir := filepath.Join(t.TempDir(), "evidence")
	args := []string{"revoke", "--yes", "--evidence", dir, "--resume", listFile(t, users)}
	tapsweep(t, env, args...).ends(t, 0) // with no log yet it simply starts
	page := dir + "/report.html"
	assert.OK(t, errors.Join(os.Remove(page), os.Remove(dir+"/SHA256SUMS"), os.MkdirAll(page+"/x", 0o700)))
	p := tapsweep(t, env, args...)
	p.ends(t, 4, "the evidence is not complete: writing "+page, "--resume")
	lacks(t, "standard error", p.stderr, "SHA-256")
	exists(t, dir+"/SHA256SUMS", false)
	assert.OK(t, os.RemoveAll(page))
	p = tapsweep(t, env, args...)
	p.ends(t, 0)
	checkSeal(t, dir, p.stderr)
}

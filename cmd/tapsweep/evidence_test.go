package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
)

// checkSeal compares the files with the manifest, and the manifest with what was
// printed of it.
func checkSeal(t *testing.T, dir, stderr string) {
	t.Helper()
	manifest := mustRead(t, filepath.Join(dir, "SHA256SUMS"))
	of := make(map[string]string)
	for line := range strings.Lines(string(manifest)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		of[name] = sum
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 7 || len(of) != 6 {
		t.Errorf("%d files, %d in the manifest: %v", len(files), len(of), err)
	}
	for _, f := range files {
		sum := sha256.Sum256(mustRead(t, filepath.Join(dir, f.Name())))
		if got := hex.EncodeToString(sum[:]); f.Name() == "SHA256SUMS" {
			if !strings.Contains(stderr, got) {
				t.Errorf("the sum of the manifest is not told:\n%s", stderr)
			}
		} else if of[f.Name()] != got {
			t.Errorf("%s has another sum than in the manifest", f.Name())
		}
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

// reported is what the report in the directory counts.
func reported(t *testing.T, dir string) (r report.Report) {
	t.Helper()
	if err := json.Unmarshal(mustRead(t, filepath.Join(dir, "report.json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// A run leaves evidence of what it has done, and the run that goes on with it, by the
// command that the first one names, adds to it.
func TestEvidence(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(failing(fault.Fault{Method: "DELETE", Path: "user0003@", Times: 1,
		Do: fault.ItemStatus(403)}))
	users := tenant.AddUsers(30)
	env, root := serveAt(t, tenant)
	list := listFile(t, users)
	dir := filepath.Join(t.TempDir(), "incident 4711")
	p := tapsweep(t, env, "revoke", "--yes", "--graph-url", root, "--evidence", dir, list)
	p.ends(t, 1)
	checkSeal(t, dir, p.stderr)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if r := reported(t, dir); r.Done != 29 || r.Left != 1 {
		t.Errorf("%d done, %d left", r.Done, r.Left)
	}
	for _, want := range []string{" revoke --yes --graph-url " + root, "signed in as:  app " + entra.DefaultClientID,
		"UserAuthMethod-TAP.ReadWrite.All"} {
		if text := string(mustRead(t, dir+"/preflight.txt")); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	_, again, _ := strings.Cut(p.stderr, "Resume: ")
	again, _, _ = strings.Cut(again, "\n")
	resume := fmt.Sprintf("tapsweep revoke --resume --evidence '%s' --yes --graph-url %s %s", dir, root, list)
	same(t, "command that resumes", again, resume)
	holds(t, "report.txt", string(mustRead(t, dir+"/report.txt")), resume)
	before, seal := mustRead(t, dir+"/results.jsonl"), sha256.Sum256(mustRead(t, dir+"/SHA256SUMS"))
	p = tapsweep(t, env, "revoke", "--resume", "--evidence", dir, "--yes", "--graph-url", root, list)
	p.ends(t, 0)
	checkSeal(t, dir, p.stderr)
	if r := reported(t, dir); r.Done != 30 || r.Left != 0 || len(r.Runs) != 2 {
		t.Errorf("%d done, %d left, %d runs", r.Done, r.Left, len(r.Runs))
	}
	if note := fmt.Sprintf("before this run: all as sealed, SHA-256 of SHA256SUMS %x\n",
		seal); !strings.Contains(string(mustRead(t, dir+"/preflight.txt")), note) {
		t.Errorf("the seal that was broken is not on record: %s", note)
	}
	if !bytes.HasPrefix(mustRead(t, dir+"/results.jsonl"), before) {
		t.Error("the first run is not in the evidence any more")
	}
	same(t, "runs in preflight.txt", strings.Count(string(mustRead(t, dir+"/preflight.txt")), "signed in as:"), 2)

	// A proof is evidence of its own, which reports on what it proves.
	proof := filepath.Join(t.TempDir(), "proof")
	if p = tapsweep(t, env, "verify", "--evidence", proof, dir+"/results.jsonl"); p.code != 0 {
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	checkSeal(t, proof, p.stderr)
	if r := reported(t, proof); r.Pairs != 30 || r.Verified != 30 || r.Counts["revoked"] != 30 {
		t.Errorf("%d pairs, %d verified, %v", r.Pairs, r.Verified, r.Counts)
	}
}

// Evidence is never replaced, and what cannot be kept is refused before anything is sent.
func TestEvidenceRefused(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(2))
	parent := t.TempDir()
	other := filepath.Join(parent, "other")
	if err := os.MkdirAll(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other+"/report.csv", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a log elsewhere", []string{"--evidence", parent + "/a", "--results", parent + "/b.jsonl"},
			"--evidence and --results cannot be used together"},
		{"to replace", []string{"--evidence", parent + "/a", "--overwrite"}, "never replaced"},
		{"a file", []string{"--evidence", list}, "is not a directory"},
		{"no parent", []string{"--evidence", parent + "/none/a"}, "/none does not exist"},
		{"evidence there", []string{"--evidence", other}, "has report.csv in it already"},
		{"evidence there, and no log to resume", []string{"--evidence", other, "--resume"},
			"has report.csv in it already"},
	} {
		for _, command := range [][]string{{"revoke", list}, {"sweep", "--all-users"}} {
			p := tapsweep(t, env, append(append(command, "--yes"), tt.args...)...)
			if p.code != status.Usage || !strings.Contains(p.stderr, tt.want) ||
				!strings.Contains(p.stderr, "hint: ") && tt.name != "to replace" {
				t.Errorf("%s: exit %d, want 64 with %q\n%s", tt.name, p.code, tt.want, p.stderr)
			}
		}
	}
	for _, args := range [][]string{{"--evidence", ""}, {"--results", ""}} {
		if p := tapsweep(t, env, append([]string{"revoke", "--yes", list}, args...)...); p.code != status.Usage ||
			!strings.Contains(p.stderr, args[0]+" is empty: ") {
			t.Errorf("%q: exit %d\n%s", args, p.code, p.stderr)
		}
	}
	p := tapsweep(t, append(env, "AZURE_CLIENT_SECRET=wrong"), "revoke", "--yes", "--evidence", parent+"/a", list)
	p.ends(t, 3)
	if files, _ := os.ReadDir(parent); len(files) != 1 || len(tenant.Remaining()) != 2 ||
		string(mustRead(t, other+"/report.csv")) != "mine" {
		t.Errorf("%v in the directory, %d passes left", files, len(tenant.Remaining()))
	}
}

// What is sealed stays as it is, whichever flag leads to it; what was changed all the same
// is not sealed anew.
func TestEvidenceStaysSealed(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	list := listFile(t, tenant.AddUsers(3))
	dir := filepath.Join(t.TempDir(), "evidence")
	run := []string{"revoke", "--yes", list}
	p := tapsweep(t, env, append(run, "--evidence", dir)...)
	checkSeal(t, dir, p.stderr)
	seal := p.stderr
	for _, args := range [][]string{
		append(run, "--results", dir+"/results.jsonl", "--resume"),
		append(run, "--results", dir+"/results.jsonl", "--overwrite"),
		{"report", "--overwrite", "--csv", dir + "/SHA256SUMS", dir + "/results.jsonl"},
		{"report", "--overwrite", "--html", dir + "/report.html", dir + "/results.jsonl"},
		{"scan", "--all-users", "--results", dir + "/results.jsonl", "--overwrite"},
	} {
		if p := tapsweep(t, env, args...); p.code != status.Usage ||
			!strings.Contains(p.stderr, "is evidence, which is sealed") {
			t.Errorf("%q: exit %d\n%s", args, p.code, p.stderr)
		}
	}
	checkSeal(t, dir, seal)

	log := mustRead(t, dir+"/results.jsonl")
	if err := os.WriteFile(dir+"/results.jsonl", bytes.Replace(log, []byte(`"revoked"`), []byte(`"absent"`), 1),
		0o600); err != nil {
		t.Fatal(err)
	}
	if p = tapsweep(t, env, append(run, "--evidence", dir, "--resume")...); p.code != status.Usage ||
		!strings.Contains(p.stderr, "is not as it was sealed") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if _, err := os.Stat(dir + "/SHA256SUMS"); err != nil {
		t.Error(err)
	}

	// Text goes nowhere else, and nobody else has a hand in it.
	elsewhere, open := t.TempDir(), t.TempDir()
	target := writeFile(t, "target", "")
	if err := errors.Join(os.WriteFile(elsewhere+"/results.jsonl", nil, 0o600),
		os.Symlink(target, elsewhere+"/preflight.txt"), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	if p = tapsweep(t, env, append(run, "--evidence", elsewhere, "--resume")...); p.code != status.Usage ||
		!strings.Contains(p.stderr, "preflight.txt is not a plain file") || len(mustRead(t, target)) > 0 {
		t.Errorf("exit %d, in the target: %q\n%s", p.code, mustRead(t, target), p.stderr)
	}
	if p = tapsweep(t, env, append(run, "--evidence", open)...); p.code != status.Usage ||
		!strings.Contains(p.stderr, "--evidence: "+open+" can be written to by others") {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
}

// Nobody else gets at the log before it is sealed: what a next run wrote meanwhile would
// belie the manifest.
func TestEvidenceIsLockedUntilSealed(t *testing.T) {
	t.Parallel()
	tenant, users, env := serveUsers(t, 3000, graphsim.Options{})
	dir := filepath.Join(t.TempDir(), "evidence")
	p := tapsweepWhile(t, env, func() {
		for len(tenant.Remaining()) == len(users) && t.Context().Err() == nil {
			time.Sleep(time.Millisecond) // until the run has the lock
		}
		for {
			lock := flock.New(dir+"/results.jsonl", flock.SetFlag(os.O_RDWR))
			if free, err := lock.TryLock(); err != nil || free {
				if _, sealErr := os.Stat(dir + "/SHA256SUMS"); err != nil || sealErr != nil {
					t.Errorf("the log is free, and there is no manifest: %v, %v", err, sealErr)
				}
				lock.Close()
				return
			}
			lock.Close()
			time.Sleep(time.Millisecond)
		}
	}, "revoke", "--yes", "--evidence", dir, listFile(t, users))
	p.ends(t, 0)
	checkSeal(t, dir, p.stderr)
}

// The night job says nothing when there was nothing to do, and keeps evidence of it;
// other files in the directory are left alone.
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
			sum := sha256.Sum256(mustRead(t, dir+"/SHA256SUMS"))
			p.stderr = hex.EncodeToString(sum[:])
		}
		checkSeal(t, dir, p.stderr)
		if r := reported(t, dir); r.Done != len(passes) {
			t.Errorf("%d done", r.Done)
		}
	}
}

// A run that is interrupted is evidence too. One that is killed leaves a log and no
// manifest, and the run that goes on with it makes one.
func TestEvidenceOfStoppedRuns(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*os.Process){
		"interrupted": func(p *os.Process) { p.Signal(os.Interrupt) },
		"killed":      func(p *os.Process) { p.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 300, graphsim.Options{Latency: 20 * time.Millisecond})
			dir := filepath.Join(t.TempDir(), "evidence")
			args := []string{"revoke", "--yes", "--evidence", dir, "--rate", "100", listFile(t, users)}
			p := finish(t, command(t, env, args...), func(p *os.Process) {
				waitWhile(t, func() bool { return len(tenant.Remaining()) > 260 })
				stop(p)
			})
			if name == "killed" {
				if _, err := os.Stat(dir + "/SHA256SUMS"); err == nil {
					t.Error("a killed run has a manifest")
				}
				if p = tapsweep(t, env, args...); p.code != status.Usage ||
					!strings.Contains(p.stderr, "results.jsonl in it already") ||
					!strings.Contains(p.stderr, "--resume") {
					t.Errorf("exit %d\n%s", p.code, p.stderr)
				}
			} else {
				checkSeal(t, dir, p.stderr)
				p.ends(t, 4)
				same(t, "passes in the report", reported(t, dir).Pairs, 300)
				differs(t, "passes left by the report", reported(t, dir).Left, 0)
			}
			if p = tapsweep(t, env, append(args, "--resume", "--rate", "0")...); p.code != 0 {
				t.Fatalf("exit %d\n%s", p.code, p.stderr)
			}
			checkSeal(t, dir, p.stderr)
			if r := reported(t, dir); r.Done != 300 {
				t.Errorf("%d done", r.Done)
			}
		})
	}
}

// Evidence that cannot be written whole has no manifest, and the run does not end well.
func TestEvidenceIncomplete(t *testing.T) {
	t.Parallel()
	tenant := graphsim.New(graphsim.Options{})
	env := serve(t, tenant)
	dir := filepath.Join(t.TempDir(), "evidence")
	args := []string{"revoke", "--yes", "--evidence", dir, "--resume", listFile(t, tenant.AddUsers(2))}
	if p := tapsweep(t, env, args...); p.code != 0 { // with no log yet it simply starts
		t.Fatalf("exit %d\n%s", p.code, p.stderr)
	}
	for _, name := range []string{"/report.html", "/SHA256SUMS"} { // as a kill may leave it
		if err := os.Remove(dir + name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(dir+"/report.html/x", 0o700); err != nil {
		t.Fatal(err)
	}
	p := tapsweep(t, env, args...)
	p.ends(t, 4, "the evidence is not complete: writing "+dir+"/report.html", "--resume")
	if regexp.MustCompile(`SHA-256 .*[0-9a-f]{64}`).MatchString(p.stderr) {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	if _, err := os.Stat(dir + "/SHA256SUMS"); err == nil {
		t.Error("there is a manifest")
	}
	if err := os.RemoveAll(dir + "/report.html"); err != nil {
		t.Fatal(err)
	}
	if p = tapsweep(t, env, args...); p.code != 0 {
		t.Errorf("exit %d\n%s", p.code, p.stderr)
	}
	checkSeal(t, dir, p.stderr)
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A log that is removed, moved or truncated during the run, as by logrotate, ends the run.
// Earlier, the run continued and exited with 0. This includes the log in --evidence.
func TestLogIsMovedInMidRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, flag, want string
		do               func(log string) error
	}{
		{"removed", "--results", "log.jsonl was removed or renamed while the run was writing to it", os.Remove},
		{"renamed", "--results", "log.jsonl was removed or renamed while",
			func(log string) error { return os.Rename(log, log+".1") }},
		{"truncated", "--results", "log.jsonl was truncated (", func(log string) error { return os.Truncate(log, 0) }},
		{"evidence", "--evidence", "results.jsonl was removed or renamed while", os.Remove},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant, users, env := serveUsers(t, 400, graphsim.Options{})
			path := newLog(t)
			log := path
			if tt.flag == "--evidence" {
				log = filepath.Join(path, "results.jsonl")
			}
			args := []string{"revoke", "--yes", "--rate", "20", tt.flag, path,
				listFile(t, users)}
			p := tapsweepWhile(t, env, func() {
				waitWhile(t, func() bool { return len(tenant.Remaining()) == len(users) })
				if err := tt.do(log); err != nil {
					t.Error(err)
				}
			}, args...)
			p.ends(t, status.Stopped, "stopped early: the results log ", tt.want)
			atLeast(t, "passes that are left", len(tenant.Remaining()), len(users)/2)
			exists(t, filepath.Join(path, "SHA256SUMS"), false) // evidence without its log is not sealed
		})
	}
}

// A file named by mistake is not replaced, and a log that others can write to is not trusted.
// Earlier, break-glass.txt became a results log, and a forged log made --resume delete
// nothing and exit 0.
func TestLogsThatAreRefused(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 3, graphsim.Options{})
	list := listFile(t, users)
	log := writeFile(t, "log.jsonl", "")
	revoke := []string{"revoke", "--yes", "--dry-run", list, "--results"}
	tapsweep(t, env, append(revoke, log, "--overwrite")...).ends(t, 0)
	copyOf := func(path, text string, mode os.FileMode) string {
		if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	dir, open := t.TempDir(), t.TempDir()
	wide := copyOf(filepath.Join(dir, "wide.jsonl"), readText(t, log), 0o666)
	link := filepath.Join(open, "link.jsonl")
	if err := errors.Join(os.Symlink(log, link), os.Chmod(open, 0o777)); err != nil {
		t.Skip(err)
	}
	glass := copyOf(filepath.Join(dir, "break-glass.txt"), "glass@contoso.com\n", 0o600)
	report := copyOf(filepath.Join(dir, "notes.html"), "my notes\n", 0o600)
	scan := []string{"scan", "--all-users", "--overwrite", "--output"}
	for _, tt := range []struct {
		name, want, hint string
		args             []string
	}{
		{"overwrite of another file", "break-glass.txt does not look like a file that this command writes",
			"choose another --results file", append(revoke, glass, "--overwrite")},
		{"overwrite by a scan", "break-glass.txt does not look like a file that this command writes",
			"choose another --results file", []string{"scan", "--all-users", "--results", glass, "--overwrite"}},
		{"output over another file", "break-glass.txt does not look like a file that this command writes",
			"choose another --output", append(scan, glass)},
		{"report over another file", "notes.html does not look like a file that this command writes",
			"choose another file", []string{"report", "--html", report, "--overwrite", log}},
		{"resume of a log that all may write", "wide.jsonl can be written to by others", "chmod go-w",
			append(revoke, wide, "--resume")},
		{"overwrite of a log that all may write", "wide.jsonl can be written to by others", "chmod go-w",
			append(revoke, wide, "--overwrite")},
		{"resume through a link", "link.jsonl is a link in " + open, "without the link",
			append(revoke, link, "--resume")},
		{"overwrite through a link", "link.jsonl is a link in " + open, "without the link",
			append(revoke, link, "--overwrite")},
		{"standard output by another name", "--results: /dev/stdout is the output of tapsweep itself",
			"use --results -", append(revoke, "/dev/stdout")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tapsweep(t, env, tt.args...).ends(t, status.Usage, tt.want, "hint: ", tt.hint)
		})
	}
	unchanged := map[string]string{glass: "glass@contoso.com\n", report: "my notes\n", wide: readText(t, log)}
	for path, want := range unchanged {
		same(t, path, readText(t, path), want)
	}
}

// Scans and reports replace files that they have written themselves.
func TestOutputsReplaceTheirOwn(t *testing.T) {
	t.Parallel()
	_, env := serveLeftovers(t, 40, graphsim.Options{})
	dir := t.TempDir()
	log := filepath.Join(dir, "log.jsonl")
	run := func(args ...string) {
		t.Helper()
		tapsweep(t, env, args...).ends(t, 0)
	}
	run("sweep", "--all-users", "--dry-run", "--results", log)
	scan := []string{"scan", "--all-users", "--overwrite", "--output"}
	for _, format := range []string{"csv", "jsonl", "table", "csv"} {
		run(append(scan, filepath.Join(dir, "out"), "--format", format)...)
	}
	for range 2 { // which finds none
		run(append(scan, filepath.Join(dir, "none"), "--format", "jsonl", "--reason", "disabled")...)
	}
	for range 2 {
		for _, form := range []string{"html", "csv", "json"} {
			run("report", "--"+form, filepath.Join(dir, "report."+form), "--overwrite", log)
		}
	}
}

// A line that is not part of a log is reported, and nothing is removed. Earlier, the rows of 270
// deleted passes after an empty line were lost.
func TestResumeNamesABrokenLine(t *testing.T) {
	t.Parallel()
	_, users, env := serveUsers(t, 5, graphsim.Options{})
	list := listFile(t, users)
	log := newLog(t)
	args := []string{"revoke", "--yes", "--results", log, "--resume", list}
	tapsweep(t, env, args...).ends(t, 0)
	lines := strings.SplitAfter(readText(t, log), "\n")
	broken := lines[0] + lines[1] + "\n" + strings.Join(lines[2:], "")
	write(t, log, broken)
	p := tapsweep(t, env, args...)
	p.ends(t, status.Usage, "line 3 is empty", "hint: nothing was changed")
	same(t, "the log", readText(t, log), broken)
}

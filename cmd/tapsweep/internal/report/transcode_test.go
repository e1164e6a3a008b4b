package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

// caseFile returns the path of a file that was once refused or misread.
func caseFile(name string) string { return filepath.Join("../../../../testdata/logs", name) }

// Out-File of Windows PowerShell puts a mark before UTF-8, and ends lines in its own way.
func TestByteOrderMark(t *testing.T) {
	m := incident(20)
	want := reportOf(t, m.write(t, "log.jsonl"))
	windows := &logBuilder{}
	windows.WriteString("\ufeff" + strings.ReplaceAll(m.String(), "\n", "\r\n"))
	diff(t, "counts", reportOf(t, windows.write(t, "log.jsonl")).Counts, want.Counts)
}

// kubectl logs mixes the log with standard error.
func TestStrayLines(t *testing.T) {
	path := caseFile("log-pod-merged.log")
	r := reportOf(t, path)
	if r.Counts[results.Revoked] != 16 || r.Pairs != 16 {
		t.Errorf("%d pairs, %v; want 16 revoked", r.Pairs, r.Counts)
	}
	if r.Logs[0].Stray != 1 {
		t.Errorf("%d lines are left out, want 1", r.Logs[0].Stray)
	}
	want := path + ": skipped 1 line that is not part of a results log, starting at line 36."
	if !strings.Contains(strings.Join(r.Notes(), "\n"), want) {
		t.Errorf("no %q in %q", want, r.Notes())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := &logBuilder{} // the preflight comes first
	before.WriteString("tapsweep devel\n\n" + `{"time":"2026-03-02T08:15:00Z","level":"INFO","msg":"x"}` + "\n")
	before.Write(text)
	if r := reportOf(t, before.write(t, "pod.log")); r.Logs[0].Stray != 3 ||
		r.Pairs != 16 { // an empty line is not counted
		t.Errorf("%d lines are left out, and %d pairs are there; want 3 and 16", r.Logs[0].Stray, r.Pairs)
	}
}

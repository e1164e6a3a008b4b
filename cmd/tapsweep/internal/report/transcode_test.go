package report

import (
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
	check(t, "revoked passes", r.Counts[results.Revoked], 16)
	check(t, "passes", r.Pairs, 16)
	check(t, "skipped lines", r.Logs[0].Stray, 1)
	want := path + ": skipped 1 line that is not part of a results log, starting at line 36."
	if !strings.Contains(strings.Join(r.Notes(), "\n"), want) {
		t.Errorf("no %q in %q", want, r.Notes())
	}
}

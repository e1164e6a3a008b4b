package report

import (
	"path/filepath"
	"strings"
	"testing"
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

// kubectl logs mixes the log with standard error. Such a log is refused, with the line.
func TestStrayLines(t *testing.T) {
	_, err := OpenLogs(t.Context(), []string{caseFile("log-pod-merged.log")})
	if want := "line 36: it is not part of a results log"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("OpenLogs = %v, want %q", err, want)
	}
}

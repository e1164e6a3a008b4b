package report

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"tapsweep/cmd/tapsweep/internal/results"
)

// caseFile returns the path of a file that was once refused or misread.
func caseFile(name string) string { return filepath.Join("../../../../testdata/logs", name) }

// Windows PowerShell's > writes a log in UTF-16, and its Out-File puts a mark before UTF-8.
func TestEncodings(t *testing.T) {
	m := incident(20)
	text := m.String()
	windows := strings.ReplaceAll(text, "\n", "\r\n")
	utf16 := func(order unicode.Endianness) string {
		b, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(windows)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := reportOf(t, m.write(t, "log.jsonl"))
	encoded := map[string]string{"UTF-8 with a mark": "\ufeff" + windows,
		"UTF-16 LE": utf16(unicode.LittleEndian), "UTF-16 BE": utf16(unicode.BigEndian)}
	for name, text := range encoded {
		m := &logBuilder{}
		m.WriteString(text)
		got := reportOf(t, m.write(t, "log.jsonl"))
		if diff := cmp.Diff(want.Counts, got.Counts); diff != "" {
			t.Errorf("%s: counts (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want.Failures, got.Failures); diff != "" {
			t.Errorf("%s: failures (-want +got):\n%s", name, diff)
		}
		if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))); got.Logs[0].Digest != want {
			t.Errorf("%s: the digest is %s, want that of the file itself, %s", name, got.Logs[0].Digest, want)
		}
		if n := got.Logs[0].Bytes; n != int64(len(text)) {
			t.Errorf("%s: the log has %d bytes, want those of the file itself, %d", name, n, len(text))
		}
	}
	r := reportOf(t, caseFile("log-ps51-redirect.jsonl"))
	counts := map[results.Outcome]int{results.Revoked: 1, results.Denied: 1, results.UnknownUser: 1}
	if diff := cmp.Diff(counts, r.Counts); diff != "" {
		t.Errorf("log-ps51-redirect.jsonl: counts (-want +got):\n%s", diff)
	}
}

// A row of a later check is found by its offset in the text, not in the file.
func TestNotesInUTF16(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 1, "--verify")
	m.row("a.csv", 2, results.Revoked, func(r *results.Row) { r.Verified, r.Provisional = false, true })
	m.row("a.csv", 2, results.Remains, func(r *results.Row) { r.Message = "the pass is listed still" })
	m.end(1, "")
	b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	m.Reset()
	m.Write(b)
	if r := reportOf(t, m.write(t, "a.jsonl")); r.Counts[results.Remains] != 1 {
		t.Errorf("counts %v, want one that remains", r.Counts)
	}
}

// kubectl logs mixes the log with standard error. Such a log is refused, with the line.
func TestStrayLines(t *testing.T) {
	_, err := OpenLogs(t.Context(), []string{caseFile("log-pod-merged.log")})
	if want := "line 36: it is not part of a results log"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("OpenLogs = %v, want %q", err, want)
	}
}

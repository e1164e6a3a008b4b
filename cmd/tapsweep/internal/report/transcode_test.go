package report

import (
	"crypto/sha256"
	"fmt"
	"os"
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

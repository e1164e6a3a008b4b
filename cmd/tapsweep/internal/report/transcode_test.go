package report

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// caseFile returns the path of a file that was once refused or misread.
func caseFile(name string) string { return filepath.Join("../../../../testdata/cases", name) }

// Windows PowerShell's > writes a log in UTF-16, its Out-File puts a mark before UTF-8, and both end lines
// in their own way. A row of a later check is found by its offset in the text, not in the file.
func TestEncodings(t *testing.T) {
	m := incident(20)
	want := reportOf(t, m.write(t, "log.jsonl"))
	windows := strings.ReplaceAll(m.String(), "\n", "\r\n")
	encoded := map[string]string{"UTF-8 with a mark": "\ufeff" + windows}
	for name, order := range map[string]unicode.Endianness{"LE": unicode.LittleEndian, "BE": unicode.BigEndian} {
		text := assert.Must(unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(windows))
		encoded["UTF-16 "+name] = text
	}
	for name, text := range encoded {
		m := &logBuilder{}
		m.WriteString(text)
		got := reportOf(t, m.write(t, "log.jsonl"))
		assert.Equal(t, name+": counts", got.Counts, want.Counts)
		assert.Equal(t, name+": failures", got.Failures, want.Failures)
		assert.Same(t, name+": digest of the file", got.Logs[0].Digest, fmt.Sprintf("sha256:%x",
			sha256.Sum256([]byte(text))))
		assert.Same(t, name+": bytes of the file", got.Logs[0].Bytes, int64(len(text)))
	}
	r := reportOf(t, caseFile("log-ps51-redirect.jsonl"))
	assert.Equal(t, "counts of log-ps51-redirect.jsonl", r.Counts,
		map[results.Outcome]int{results.Revoked: 1, results.Denied: 1, results.UnknownUser: 1})
}

// kubectl logs mixes standard error into the log.
func TestStrayLines(t *testing.T) {
	r := reportOf(t, caseFile("log-pod-merged.log"))
	assert.Same(t, "revoked passes", r.Counts[results.Revoked], 16)
	assert.Same(t, "skipped lines", r.Logs[0].Stray, 1)
	wantNote(t, r, "starting at line 36")
}

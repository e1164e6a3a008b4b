package results

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

// A scan that is resumed knows which users it has scanned and what it found.
func TestResumeScan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := assert.Must(Create(path, false))
	run := header
	created := time.Date(2026, 3, 2, 8, 11, 40, 0, time.UTC)
	log.Write(&run)
	log.Write(&Wait{Time: created, Until: created.Add(time.Minute), Refused: 3, Quota: "read"})
	log.Write(&Scanned{Users: []string{"a", "B"}})
	log.Write(&Row{Source: ScanSource, User: "c", Method: "m", Outcome: Found, Created: created, UPN: "c@contoso.com"})
	log.Write(&Row{Source: ScanSource, User: "d", Outcome: Denied})
	log.Close()
	next := header
	var found []*Row
	log, earlier, err := Resume(path, &next, ResumeOptions{OnCompleted: func(r *Row) { found = append(found, r) }})
	assert.OK(t, err)
	defer log.Close()
	var looked []string
	for _, user := range []string{"A", "b", "C", "d", "e"} {
		if earlier.Scanned(user) {
			looked = append(looked, user)
		}
	}
	assert.That(t, slices.Equal(looked, []string{"A", "b", "C"}) && earlier.Len == 1,
		"looked at %q, want %q; %d rows", looked, []string{"A", "b", "C"}, earlier.Len)
	assert.That(t, len(found) == 1 && found[0].UPN == "c@contoso.com" && found[0].Created.Equal(created),
		"found %+v", found)
	assert.That(t, !new(ResumeState).Scanned("a"), "no log knows somebody")
}

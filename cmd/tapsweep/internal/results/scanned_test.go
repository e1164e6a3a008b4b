package results

import (
	"path/filepath"
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
	log.Write(&Row{Source: ScanSource, User: "c@x.com", Method: "m", Outcome: Found, Created: created,
		UPN: "c@contoso.com"})
	log.Write(&Row{Source: ScanSource, User: "d@x.com", Outcome: Denied})
	log.Close()
	next := header
	var found []*Row
	log, earlier, err := Resume(path, &next, ResumeOptions{OnCompleted: func(r *Row) { found = append(found, r) }})
	assert.OK(t, err)
	defer log.Close()
	var looked []string
	for _, user := range []string{"A", "b", "C@x.com", "d@x.com", "e"} {
		if earlier.Scanned(user) {
			looked = append(looked, user)
		}
	}
	assert.Equal(t, "scanned users", looked, []string{"A", "b", "C@x.com"})
	assert.Same(t, "completed rows", earlier.Len, 1)
	assert.Same(t, "rows for OnCompleted", len(found), 1)
	assert.Same(t, "name in the row", found[0].UPN, "c@contoso.com")
	assert.Same(t, "creation of the pass", found[0].Created, created)
	assert.Same(t, "a run without a log has scanned a user", new(ResumeState).Scanned("a"), false)
}

package results

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A scan that is resumed knows which users it has scanned and what it found.
func TestResumeScan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var looked []string
	for _, user := range []string{"A", "b", "C", "d", "e"} {
		if earlier.Scanned(user) {
			looked = append(looked, user)
		}
	}
	if want := []string{"A", "b", "C"}; !slices.Equal(looked, want) || earlier.Len != 1 {
		t.Errorf("looked at %q, want %q; %d rows", looked, want, earlier.Len)
	}
	if len(found) != 1 || found[0].UPN != "c@contoso.com" || !found[0].Created.Equal(created) {
		t.Errorf("found %+v", found)
	}
	if new(ResumeState).Scanned("a") {
		t.Error("no log knows somebody")
	}
}

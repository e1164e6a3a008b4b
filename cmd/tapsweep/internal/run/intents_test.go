package run

import (
	"errors"
	"testing"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A batch with a DELETE is not sent if the log cannot be synced.
func TestNothingDeletedOffTheRecord(t *testing.T) {
	deletes := []batch.Request{{Method: "GET"}, {Method: "DELETE"}}
	reads := deletes[:1]
	r := &run{log: results.Stream(fullDisk{})}
	assert.Is(t, "a delete, and an empty log", r.syncAnnounced(t.Context(), deletes), nil)
	assert.OK(t, r.log.Write(&results.Row{Outcome: results.Found, Provisional: true}))
	assert.Is(t, "only a read, and a log that cannot be synced", r.syncAnnounced(t.Context(), reads), nil)
	assert.That(t, r.syncAnnounced(t.Context(), deletes) != nil, "a delete, and a log that cannot be synced: no error")
}

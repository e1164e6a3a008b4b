package run

import (
	"errors"
	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"testing"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A batch with a DELETE is not sent if the log cannot be synced.
func TestNothingDeletedOffTheRecord(t *testing.T) {
	deletes := []batch.Request{{Method: "GET"}, {Method: "DELETE"}}
	reads := deletes[:1]
	r := &run{log: results.Stream(fullDisk{})}
	if err := r.syncIntents(t.Context(), deletes); err != nil {
		t.Errorf("a delete, and an empty log: %v", err)
	}
	if err := r.log.Write(&results.Row{Outcome: results.Found, Provisional: true}); err != nil {
		t.Fatal(err)
	}
	if err := r.syncIntents(t.Context(), reads); err != nil {
		t.Errorf("only a read, and a log that cannot be synced: %v", err)
	}
	if err := r.syncIntents(t.Context(), deletes); err == nil {
		t.Error("a delete, and a log that cannot be synced: no error")
	}
}

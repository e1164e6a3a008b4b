package run

import (
	"fmt"
	"io/fs"
	"slices"
	"testing"
)

// A log that this user may not read or write is not a log of another list.
func TestHintsOfALogWithoutAccess(t *testing.T) {
	err := fmt.Errorf("resuming: %w", &fs.PathError{Op: "open", Path: "r.jsonl", Err: fs.ErrPermission})
	want := []string{"choose a place where you may write, with --results or --evidence"}
	if got := new(run).resumeHints(err); !slices.Equal(got, want) {
		t.Errorf("hints %q, want %q", got, want)
	}
}

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A run whose log cannot be written to its end is not done, although each pass is.
func TestLogFailsAtItsEnd(t *testing.T) {
	reader, writer := io.Pipe()
	reader.Close()
	r := asking(nil, io.Discard)
	r.log = results.Stream(writer)
	r.summary.Counts = revoke.NewCounts()
	if code := r.writeFooter(t.Context(), status.Done, nil); code != status.Stopped || !r.summary.Incomplete {
		t.Errorf("exit code %d, incomplete: %v, want %d and true", code, r.summary.Incomplete, status.Stopped)
	}
}

// A log that was moved just before the end of the run does not get a last line that says that all is done.
func TestLogIsMovedAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := results.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := asking(nil, io.Discard)
	r.log = log
	err = r.doBody(t.Context(), func(context.Context) error { return os.Rename(path, path+".1") })
	if _, moved := errors.AsType[*results.MovedError](err); !moved {
		t.Errorf("doBody = %v, want a MovedError", err)
	}
}

// A log that this user may not read or write is not a log of another list.
func TestHintsOfALogWithoutAccess(t *testing.T) {
	err := fmt.Errorf("resuming: %w", &fs.PathError{Op: "open", Path: "r.jsonl", Err: fs.ErrPermission})
	want := []string{"choose a place where you may write, with --results or --evidence"}
	if got := new(run).resumeHints(err); !slices.Equal(got, want) {
		t.Errorf("hints %q, want %q", got, want)
	}
}

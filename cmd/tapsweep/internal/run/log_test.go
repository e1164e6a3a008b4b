package run

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// A run whose log cannot be written to its end is not done, although each pass is.
func TestLogFailsAtItsEnd(t *testing.T) {
	reader, writer := io.Pipe()
	reader.Close()
	r := asking(nil, io.Discard)
	r.log = results.Stream(writer)
	r.summary.Counts = revoke.NewCounts()
	assert.Same(t, "exit code", r.writeFooter(t.Context(), status.Done, nil), status.Stopped)
	assert.Same(t, "the summary says that the log is incomplete", r.summary.Incomplete, true)
}

// A run that was abandoned before its work began leaves no empty log, which would block the name for the next run.
func TestAbandonedRunLeavesNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	r := asking(nil, io.Discard)
	r.log = assert.Must(results.Create(path, false))
	r.console.Abandon()
	assert.Same(t, "exit code", exitCode(r.do(t.Context(), nil)), status.Stopped)
	_, err := os.Lstat(path)
	assert.Is(t, "Lstat of the log", err, fs.ErrNotExist)
}

// A log that was moved just before the end of the run does not get a last line that says that all is done.
func TestLogIsMovedAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	r := asking(nil, io.Discard)
	r.log = assert.Must(results.Create(path, false))
	defer r.log.Close()
	err := r.doBody(t.Context(), func(context.Context) error { return os.Rename(path, path+".1") })
	assert.As[*results.MovedError](t, "the end of the run", err)
}

// A log that this user may not read or write is not a log of another list.
func TestHintsOfALogWithoutAccess(t *testing.T) {
	err := fmt.Errorf("resuming: %w", &fs.PathError{Op: "open", Path: "r.jsonl", Err: fs.ErrPermission})
	hints := new(run).resumeHints(err)
	assert.Same(t, "hints", len(hints), 1)
	assert.Holds(t, "the hint", hints[0], "--results", "--evidence")
}

// A log that is standard input was replaced before its rows were revoked.
func TestLogIsNotStandardInput(t *testing.T) {
	path := writeFile(t, "log.jsonl", "")
	in := assert.Must(os.Open(path))
	defer in.Close()
	log := &LogOptions{Path: path, Overwrite: true}
	assert.OK(t, checkLog(log, in), "checkLog of a run that does not read standard input")
	assert.Says(t, "checkLog", checkLog(log, in, "-"), "is also a list")
}

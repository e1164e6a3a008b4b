package run

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// asking returns a run that reads answers from a reader and asks on a writer.
func asking(in io.Reader, out io.Writer) *run {
	return &run{console: &console.Console{In: in, Err: out}, opts: &Options{}, header: new(results.Header),
		earlier: new(results.ResumeState), tenant: &tenant.Tenant{Token: &token.Token{}}}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.OK(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// earlierRun returns what the run next, which resumes a log with these rows, knows of the run before.
func earlierRun(t *testing.T, next *results.Header, rows ...string) *results.ResumeState {
	t.Helper()
	lines := append([]string{`{"type":"run"}`}, rows...)
	log, earlier, err := results.Resume(writeFile(t, "log.jsonl", strings.Join(lines, "\n")), next,
		results.ResumeOptions{})
	assert.OK(t, err)
	t.Cleanup(func() { log.Close() })
	return earlier
}

var update = flag.Bool("update", false, "rewrite golden files")

// exitCode returns the exit code of an error: 0 of none, and -1 of an error that has no exit code.
func exitCode(err error) int {
	if err == nil {
		return status.Done
	}
	if exit, ok := errors.AsType[*status.Error](err); ok {
		return exit.Code
	}
	return -1
}

func openList(t *testing.T, text string) *input.List {
	t.Helper()
	list := assert.Must(input.Open([]string{writeFile(t, "l.csv", text)}, input.Options{}))
	t.Cleanup(func() { list.Close() })
	return list
}

const (
	selfID    = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	otherID   = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c322"
	thirdID   = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c333"
	selfPass  = "9f0c11aa-1111-4222-8333-000000000001"
	otherPass = "9f0c11aa-1111-4222-8333-000000000002"
)

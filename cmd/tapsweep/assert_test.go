package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// ends fails the test unless the process ended with the exit code and standard error has each text.
func (p process) ends(t *testing.T, code int, texts ...string) {
	t.Helper()
	if p.code != code {
		t.Fatalf("exit code %d of %q, want %d\n%s", p.code, p.args, code, p.stderr)
	}
	holds(t, "standard error", p.stderr, texts...)
}

var holds, lacks = assert.Holds, assert.Lacks

// same fails the test unless got is want.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	assert.Same(t, what, got, want)
}

// differs fails the test if got is bad.
func differs[T comparable](t *testing.T, what string, got, bad T) {
	t.Helper()
	if got == bad {
		t.Errorf("%s: %v, want another value", what, got)
	}
}

// atMost fails the test if got is above the limit.
func atMost[T cmp.Ordered](t *testing.T, what string, got, limit T) {
	t.Helper()
	if got > limit {
		t.Errorf("%s: %v, want at most %v", what, got, limit)
	}
}

// atLeast fails the test if got is below the limit.
func atLeast[T cmp.Ordered](t *testing.T, what string, got, limit T) {
	t.Helper()
	if got < limit {
		t.Errorf("%s: %v, want at least %v", what, got, limit)
	}
}

// hasRows fails the test unless the log has n rows.
func hasRows(t *testing.T, rows []results.Row, n int) {
	t.Helper()
	if len(rows) != n {
		t.Fatalf("the log has %d rows, want %d: %v", len(rows), n, outcomes(rows))
	}
}

// hasOutcome fails the test unless n rows have the outcome.
func hasOutcome(t *testing.T, rows []results.Row, outcome results.Outcome, n int) {
	t.Helper()
	same(t, "rows that are "+string(outcome), outcomes(rows)[outcome], n)
}

// leaves fails the test unless users of the tenant hold n passes.
func leaves(t *testing.T, tenant *graphsim.Tenant, n int) {
	t.Helper()
	same(t, "passes that are left", len(tenant.Remaining()), n)
}

// readWhole returns the rows of a results log, and fails the test unless its last line has the exit code.
func readWhole(t *testing.T, text string, exit int) []results.Row {
	t.Helper()
	rows, _ := readLog(t, text)
	readEnd(t, text, exit)
	return rows
}

// readEnd returns the last line of a results log, and fails the test unless it has the exit code.
func readEnd(t *testing.T, text string, exit int) *results.End {
	t.Helper()
	_, end := readLog(t, text)
	if end == nil {
		t.Fatalf("the log has no last line\n%s", text)
	}
	same(t, "exit code in the log", end.Exit, exit)
	return end
}

// hasFiles fails the test unless the directory has n files.
func hasFiles(t *testing.T, dir string, n int) {
	t.Helper()
	files := assert.Must(os.ReadDir(dir))
	if len(files) != n {
		t.Errorf("%s has the files %v, want %d", dir, files, n)
	}
}

// exists fails the test unless the file exists if want is set, and does not exist otherwise.
func exists(t *testing.T, path string, want bool) {
	t.Helper()
	_, err := os.Lstat(path)
	same(t, path+" exists", err == nil, want)
}

// isPrivate fails the test unless only the owner may read and write the file.
func isPrivate(t *testing.T, path string) {
	t.Helper()
	info := assert.Must(os.Stat(path))
	same(t, "mode of "+path, info.Mode().Perm()&0o077, 0)
}

// readText returns the text of a file.
func readText(t *testing.T, path string) string {
	t.Helper()
	return string(mustRead(t, path))
}

// write writes a file, and creates its directory.
func write(t *testing.T, path, text string) {
	t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600))
	assert.OK(t, err)
}

// writeProgram writes an executable file.
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	write(t, path, text)
	assert.OK(t, os.Chmod(path, 0o700))
}

// decode reads JSON into a value.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

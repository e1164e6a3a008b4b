package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// tally describes the numbers of rows by outcome, as in "revoked 2, denied 1".
func tally(counts map[results.Outcome]int) string {
	var parts []string
	for _, o := range results.Outcomes {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", o, counts[o]))
		}
	}
	return strings.Join(parts, ", ")
}

// hasRows returns the rows of a results log, and fails the test unless tally of them is want.
func hasRows(t *testing.T, log, want string) []results.Row {
	t.Helper()
	rows, _ := readLog(t, log)
	if got := tally(outcomes(rows)); got != want {
		t.Fatalf("the log has the rows %q, want %q", got, want)
	}
	return rows
}

// leaves fails the test unless users of the tenant hold n passes.
func leaves(t *testing.T, tenant *graphsim.Tenant, n int) {
	t.Helper()
	same(t, "passes that are left", len(tenant.Remaining()), n)
}

// losesNoWrite fails the test if the tenant lost a write, or got two writes for one user at once.
func losesNoWrite(t *testing.T, tenant *graphsim.Tenant) {
	t.Helper()
	same(t, "writes that were lost", tenant.Stats().LostWrites, 0)
	same(t, "writes at once", tenant.Stats().OverlappingWrites, 0)
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
	return string(assert.Must(os.ReadFile(path)))
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

// A recorder is a test that counts its failures.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }
func (r *recorder) Fatal(...any)          { r.failures++ }

type tb = testing.TB

// Each assertion fails if its condition is false, and only then.
func TestAssertions(t *testing.T) {
	wrong := errors.New("it went wrong")
	for _, tt := range []struct {
		name      string
		good, bad func(tb)
	}{
		{"Same", func(r tb) { assert.Same(r, "", 1, 1) }, func(r tb) { assert.Same(r, "", 1, 2) }},
		{"Equal",
			func(r tb) { assert.Equal(r, "", []int{1}, []int{1}) }, func(r tb) { assert.Equal(r, "", nil, []int{1}) }},
		{"Holds",
			func(r tb) { assert.Holds(r, "", "a b", "a", "b") }, func(r tb) { assert.Holds(r, "", "a b", "a", "c") }},
		{"Lacks",
			func(r tb) { assert.Lacks(r, "", "a b", "c", "d") }, func(r tb) { assert.Lacks(r, "", "a b", "c", "b") }},
		{"Is", func(r tb) { assert.Is(r, "", wrong, wrong) }, func(r tb) { assert.Is(r, "", nil, wrong) }},
		{"Says", func(r tb) { assert.Says(r, "", wrong, "went") }, func(r tb) { assert.Says(r, "", wrong, "well") }},
		{"Says nothing", func(r tb) { assert.Says(r, "", nil, "") }, func(r tb) { assert.Says(r, "", wrong, "") }},
		{"Says something",
			func(r tb) { assert.Says(r, "", wrong, "it") }, func(r tb) { assert.Says(r, "", nil, "it") }},
		{"That", func(r tb) { assert.That(r, true, "") }, func(r tb) { assert.That(r, false, "") }},
		{"OK", func(r tb) { assert.OK(r, nil) }, func(r tb) { assert.OK(r, wrong) }},
	} {
		var r recorder
		tt.good(&r)
		assert.Same(t, tt.name+": failures where all is well", r.failures, 0)
		tt.bad(&r)
		assert.Same(t, tt.name+": failures where something is wrong", r.failures, 1)
	}
}

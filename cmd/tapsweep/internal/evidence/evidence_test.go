package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// sealedDir returns a directory with the evidence of a run, and the SHA-256 of its manifest.
func sealedDir(t *testing.T) (dir, digest string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "incident")
	assert.OK(t, Make(dir))
	log, err := results.Create(filepath.Join(dir, results.EvidenceLog), false)
	assert.OK(t, err)
	run, row := results.Header{}, results.Row{User: "dana@contoso.com", Outcome: results.Revoked}
	assert.OK(t, errors.Join(log.Write(&run), log.Write(&row), log.Close()))
	assert.OK(t, Begin(dir, "may delete\n", false))
	if digest, err = Seal(t.Context(), dir, []string{filepath.Join(dir, results.EvidenceLog)}, "v1"); err != nil {
		t.Fatal(err)
	}
	return dir, digest
}

// The manifest names each file that a run leaves, and nobody else can read them.
func TestManifestNamesEachFile(t *testing.T) {
	dir, _ := sealedDir(t)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, preflight): 0o600} {
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != want {
			t.Errorf("Stat(%s) = %v, %v, want mode %o", path, info, err, want)
		}
	}
	if err := Begin(dir, "another run\n", false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Begin of a new run = %v, want fs.ErrExist", err)
	}
	manifest := assert.Must(os.ReadFile(filepath.Join(dir, manifestName)))
	for _, name := range sealed {
		assert.Same(t, fmt.Sprintf("the manifest names %s: times", name),
			strings.Count(string(manifest), "  "+name+"\n"), 1)
		assert.That(t, Contains(filepath.Join(dir, name)), "Contains(%s) = false", name)
	}
}

// Evidence is never replaced. A resumed run adds to it, as long as no file has changed.
func TestCheck(t *testing.T) {
	dir, _ := sealedDir(t)
	assert.Is(t, "Check of a new run", Check(dir, false), ErrExists)
	assert.Is(t, "Check of a resumed run", Check(dir, true), nil)
	for _, name := range sealed {
		path := filepath.Join(dir, name)
		before := assert.Must(os.ReadFile(path))
		assert.OK(t, os.WriteFile(path, append(before, ' '), 0o600))
		if err := Check(dir, true); err == nil {
			t.Errorf("Check after a change of %s = nil", name)
		}
		assert.OK(t, os.WriteFile(path, before, 0o600))
	}
}

// A resumed run records the seal of the run before, and removes it.
func TestBeginRecordsTheSeal(t *testing.T) {
	dir, digest := sealedDir(t)
	assert.OK(t, Begin(dir, "may delete\n", true))
	text := assert.Must(os.ReadFile(filepath.Join(dir, preflight)))
	assert.That(t, strings.Contains(string(text), digest), "%s does not have the seal %s:\n%s", preflight, digest, text)
	if _, err := os.Stat(filepath.Join(dir, manifestName)); err == nil {
		t.Errorf("%s is still there", manifestName)
	}
	if !Contains(filepath.Join(dir, results.EvidenceLog)) {
		t.Errorf("Contains(%s) of a run that is under way = false", results.EvidenceLog)
	}
}

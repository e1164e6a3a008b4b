package evidence

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

// sealedDir returns a directory with the evidence of a run, and the SHA-256 of its manifest.
func sealedDir(t *testing.T) (dir, digest string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "incident")
	if err := Make(dir); err != nil {
		t.Fatal(err)
	}
	log, err := results.Create(filepath.Join(dir, Log), false)
	if err != nil {
		t.Fatal(err)
	}
	run, row := results.Run{}, results.Row{User: "dana@contoso.com", Outcome: results.Revoked}
	if err := errors.Join(log.Write(&run), log.Write(&row), log.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Begin(dir, "may delete\n", false); err != nil {
		t.Fatal(err)
	}
	if digest, err = Seal(t.Context(), dir, []string{filepath.Join(dir, Log)}, "v1"); err != nil {
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
	manifest, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"results.jsonl", "preflight.txt", "report.csv", "report.html", "report.json",
		"report.txt"} {
		if n := strings.Count(string(manifest), "  "+name+"\n"); n != 1 {
			t.Errorf("the manifest names %s %d times, want once", name, n)
		}
		if !Contains(filepath.Join(dir, name)) {
			t.Errorf("Contains(%s) = false", name)
		}
	}
}

// Evidence is never replaced. A resumed run adds to it, as long as no file has changed.
func TestCheck(t *testing.T) {
	dir, _ := sealedDir(t)
	if err := Check(dir, false); !errors.Is(err, ErrExists) {
		t.Errorf("Check of a new run = %v, want ErrExists", err)
	}
	if err := Check(dir, true); err != nil {
		t.Errorf("Check of a resumed run = %v", err)
	}
	for _, name := range sealed {
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(before, ' '), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Check(dir, true); err == nil {
			t.Errorf("Check after a change of %s = nil", name)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A resumed run records the seal of the run before, and removes it.
func TestBeginRecordsTheSeal(t *testing.T) {
	dir, digest := sealedDir(t)
	if err := Begin(dir, "may delete\n", true); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, preflight))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), digest) {
		t.Errorf("%s does not have the seal %s:\n%s", preflight, digest, text)
	}
	if _, err := os.Stat(filepath.Join(dir, manifestName)); err == nil {
		t.Errorf("%s is still there", manifestName)
	}
	if !Contains(filepath.Join(dir, Log)) {
		t.Errorf("Contains(%s) of a run that is under way = false", Log)
	}
}

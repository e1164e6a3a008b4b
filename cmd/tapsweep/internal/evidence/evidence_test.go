package evidence

import (
	"errors"
	"os"
	"path/filepath"
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

func TestManifestNamesEachFile(t *testing.T) {
	dir, _ := sealedDir(t)
	manifest, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sealed {
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
	if err := Check(dir, false); !errors.Is(err, errExists) {
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
}

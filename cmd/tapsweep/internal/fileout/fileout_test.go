package fileout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"tapsweep/testdata/assert"
)

func write(t *testing.T, path string, overwrite bool, text string) error {
	t.Helper()
	f := assert.Must(Create(path, overwrite))
	defer f.Abort()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	assert.That(t, read(path) != text, "the file is there before Commit")
	return f.Commit()
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

func TestCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	assert.OK(t, write(t, path, false, "new"))
	assert.Same(t, "the file", read(path), "new")
	assert.Is(t, "without overwrite: error", write(t, path, false, "other"), fs.ErrExist)
	assert.Same(t, "without overwrite: the file", read(path), "new")
	assert.Is(t, "with overwrite", write(t, path, true, "other"), nil)
	assert.Same(t, "with overwrite: the file", read(path), "other")
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left, want 1", len(files))
	}
}

// Where the file system has no links, a file that another program has just created stays.
func TestRenameToNew(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	assert.OK(t, os.WriteFile(from, []byte("ours"), 0o600))
	assert.OK(t, os.WriteFile(to, []byte("theirs"), 0o600))
	assert.Is(t, "with another file", renameToNew(from, to), fs.ErrExist)
	assert.Same(t, "the other file", read(to), "theirs")
	assert.OK(t, os.Remove(to))
	assert.Is(t, "without another file", renameToNew(from, to), nil)
	assert.Same(t, "the file", read(to), "ours")
	assert.Is(t, "without the file itself", renameToNew(from, filepath.Join(dir, "new")), fs.ErrNotExist)
	files, _ := os.ReadDir(dir)
	assert.Same(t, "files", len(files), 1)
}

func TestAbort(t *testing.T) {
	dir := t.TempDir()
	f := assert.Must(Create(filepath.Join(dir, "file"), false))
	f.Abort()
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files are left, want none", len(files))
	}
}

// A link whose target does not exist is refused before it makes a run fail. Only a file that is renamed into place may
// replace it.
func TestDanglingLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	assert.OK(t, os.Symlink("nowhere", link))
	for _, tt := range []struct {
		flag     string
		mayExist bool
		refused  bool
	}{{"--results", false, true}, {"--results", true, true}, {"--output", false, true}, {"--output", true, false}} {
		there, refused := errors.AsType[*ThereError](Check(tt.flag, link, tt.mayExist))
		assert.Same(t, fmt.Sprintf("%s, may exist: %v: refused", tt.flag, tt.mayExist), refused, tt.refused)
		assert.That(t, !refused || there.Dangling, "%v is not about a link", there)
	}
}

func TestBegin(t *testing.T) {
	const mark = "\xEF\xBB\xBF"
	for text, ok := range map[string]bool{"": true, "user,method\n": true, mark + "user,method\n": true,
		"dana,x\n": false} {
		path := filepath.Join(t.TempDir(), "file")
		assert.OK(t, os.WriteFile(path, []byte(text), 0o600))
		if err := CheckBegin(path, "# HELP", "user,"); (err == nil) != ok {
			t.Errorf("CheckBegin of %q: %v", text, err)
		}
		for n, want := range map[int]string{3: text[:min(3, len(text))], 99: text} {
			if got, err := Begin(path, n); err != nil || string(got) != want {
				t.Errorf("Begin(%q, %d) = %q, %v, want %q", text, n, got, err, want)
			}
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	assert.Is(t, "CheckBegin of no file", CheckBegin(none, "user,"), nil)
	if got, err := Begin(none, 3); err != nil || len(got) > 0 {
		t.Errorf("Begin of no file = %q, %v", got, err)
	}
	// What cannot be read is not taken for empty, because an empty file may be replaced.
	for _, path := range []string{t.TempDir(), "not a\x00name"} {
		if _, err := Begin(path, 3); err == nil {
			t.Errorf("Begin(%q) = nil, want an error", path)
		}
	}
}

// A directory that cannot be synced is no reason to fail, unless the disk fails.
func TestSyncDir(t *testing.T) {
	for dir, want := range map[string]error{
		t.TempDir(): nil, "/proc/self": nil, t.TempDir() + "/none": fs.ErrNotExist,
	} {
		if _, err := os.Stat("/proc/self"); runtime.GOOS == "windows" || dir == "/proc/self" && err != nil {
			continue
		}
		assert.Is(t, "SyncDir of "+dir, SyncDir(dir), want)
	}
}

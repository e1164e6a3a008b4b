package results

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/testdata/assert"
)

// begun returns a log with its first line on disk.
func begun(t *testing.T) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := assert.Must(Create(path, false))
	run := header
	log.Write(&run)
	assert.OK(t, log.Sync())
	return log, path
}

// A log that is removed, moved or truncated during the run ends the run, but what is written until
// then is in the file. Close finds what has happened since the last look.
func TestMovedLog(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved")
	}
	for _, tt := range []struct {
		name, want string
		do         func(path string) error
		kept       string // what is behind the path of the file that still has the rows
	}{
		{"removed", "was removed or renamed while", os.Remove, ""},
		{"renamed", "was removed or renamed while", func(path string) error { return os.Rename(path, path+".1") },
			".1"},
		{"rotated", "was replaced by another file", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
		}, ".1"},
		{"truncated", "was truncated (0 of", func(path string) error { return os.Truncate(path, 0) }, ""},
	} {
		for _, close := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				log, path := begun(t)
				assert.OK(t, tt.do(path))
				if !close {
					time.Sleep(checkEvery + time.Millisecond)
					synctest.Wait()
					if err := log.Write(&Row{User: "the last row"}); !isMoved(err, tt.want) {
						t.Errorf("%s: Write = %v, want %q", tt.name, err, tt.want)
					}
					assert.That(t, log.SyncAnnounced() != nil, "%s: SyncAnnounced = nil, so deletes are sent", tt.name)
				}
				if err := log.Close(); !isMoved(err, tt.want) {
					t.Errorf("%s: Close = %v, want %q", tt.name, err, tt.want)
				}
				text, _ := os.ReadFile(path + tt.kept)
				if tt.kept != "" && !close && !strings.Contains(string(text), "the last row") {
					t.Errorf("%s: the last row is not in the file: %q", tt.name, text)
				}
				assert.That(t, !strings.Contains(string(text), "\x00"), "%s: the log has a gap", tt.name)
			})
		}
	}
}

func isMoved(err error, want string) bool {
	moved, ok := errors.AsType[*MovedError](err)
	return ok && strings.Contains(moved.Error(), want)
}

// A run that sent nothing leaves no empty file that would block the name for the next run.
func TestNothingIsLeftWithoutALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	for _, write := range []bool{false, true} {
		log := assert.Must(Create(path, false))
		if write {
			log.mu.Lock()
			log.sync = func() error { return errors.New("this file system cannot sync") }
			log.mu.Unlock()
			run := header
			log.Write(&run)
		}
		assert.Same(t, "Close has an error", log.Close() != nil, write)
		_, err := os.Lstat(path)
		assert.Is(t, "Lstat of the file that is gone", err, os.ErrNotExist)
	}
}

// --overwrite refuses other files.
func TestCreateReplaces(t *testing.T) {
	const old = `{"type":"run","version":"old"}` + "\n"
	for name, tt := range map[string]struct {
		text   string
		refuse bool
	}{
		"a list":        {"glass@contoso.com\n", true},
		"rows":          {`{"type":"result"}` + "\n", true},
		"a short file":  {`{"type":`, true},
		"an empty file": {"", false},
		"a log":         {old, false},
		"a torn log":    {`{"type":"run","ver`, false},
	} {
		path := write(t, "file", tt.text)
		_, err := Create(path, false)
		assert.Is(t, "Create without overwrite over "+name, err, os.ErrExist)
		log, err := Create(path, true)
		assert.That(t, (err != nil) == tt.refuse, "Create over %s = %v, want an error: %v", name, err, tt.refuse)
		if log != nil {
			log.Close()
		}
		assert.Same(t, name+", as the new log has no line", textOf(path), tt.text)
	}
}

// The old log stays until the first line of the new one is on disk, and if that cannot be. Nothing else is left.
func TestOldLogStays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be renamed")
	}
	for _, full := range []bool{false, true} {
		path := writeLog(t, Revoked)
		before := textOf(path)
		log := assert.Must(Create(path, true))
		log.mu.Lock()
		log.sync = func() error {
			assert.Same(t, "the log before the first line is on disk", textOf(path), before)
			if full {
				return errors.New("the disk is full")
			}
			return log.file.file.Sync()
		}
		log.mu.Unlock()
		run := header
		log.Write(&run)
		assert.Same(t, "Close has an error", log.Close() != nil, full)
		assert.Same(t, fmt.Sprintf("disk full %v: the old log is there", full), textOf(path) == before, full)
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
			t.Errorf("disk full %v: %d files are left, want the log", full, len(files))
		}
	}
}

// The first line of the new log replaces the old one, also behind a link.
func TestCreateBehindALink(t *testing.T) {
	path := writeLog(t, Revoked)
	assert.OK(t, os.Chmod(path, 0o644))
	link := filepath.Join(t.TempDir(), "last.jsonl")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	log := assert.Must(Create(link, true))
	run := header
	run.Version = "new"
	assert.OK(t, errors.Join(log.Write(&run), log.Close()))
	_, err := os.Readlink(link)
	assert.Is(t, "the link", err, nil)
	assert.Same(t, "lines of the log", strings.Count(textOf(path), "\n"), 1)
	assert.Holds(t, "the log", textOf(path), `"version":"new"`)
	if runtime.GOOS != "windows" { // where the folder says who may read a file
		assert.Same(t, "mode of the new log", assert.Must(os.Stat(path)).Mode().Perm(), 0o600)
	}
}

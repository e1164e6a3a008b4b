package results

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// begun returns a log with its first line on disk.
func begun(t *testing.T) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	run := header
	log.Write(&run)
	if err := log.Sync(); err != nil {
		t.Fatal(err)
	}
	return log, path
}

// A log that is removed, moved or truncated during the run ends the run. Earlier the run went on
// and reported success, and a truncated log got a gap of NUL bytes.
func TestMovedLog(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved")
	}
	for _, tt := range []struct {
		name, want string
		do         func(path string) error
	}{
		{"removed", "was removed while", os.Remove},
		{"renamed", "was renamed or moved while", func(path string) error { return os.Rename(path, path+".1") }},
		{"rotated", "was renamed or moved, and another file is there", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
		}},
		{"replaced", "was removed, and another file is there", func(path string) error {
			return errors.Join(os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path))
		}},
		{"truncated", "was truncated (0 of", func(path string) error { return os.Truncate(path, 0) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			log, path := begun(t)
			if err := tt.do(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(checkEvery + time.Millisecond)
			synctest.Wait()
			err := log.Write(&Row{User: "the last row"})
			moved, ok := errors.AsType[*MovedError](err)
			if !ok || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: Write = %v, want %q after %v", tt.name, err, tt.want, checkEvery)
			}
			if moved != nil && !strings.Contains(moved.Next, "logrotate") {
				t.Errorf("%s: the error does not say what to do: %v", tt.name, err)
			}
			if err := log.SyncAhead(); err == nil {
				t.Errorf("%s: SyncAhead = nil, so deletes are sent", tt.name)
			}
			if err := log.Close(); !errors.As(err, &moved) {
				t.Errorf("%s: Close = %v, want what happened to the log", tt.name, err)
			}
			name := path
			if _, err := os.Stat(path + ".1"); err == nil {
				name += ".1"
			}
			text, err := os.ReadFile(name)
			want := tt.name == "renamed" || tt.name == "rotated" || tt.name == "truncated"
			if got := strings.Contains(string(text), "the last row"); got != want {
				t.Errorf("%s: the row is in the file: %v, want %v (%v)", tt.name, got, want, err)
			}
			if strings.Contains(string(text), "\x00") {
				t.Errorf("%s: the log has a hole", tt.name)
			}
		})
	}
}

// The check at the end finds changes since the last check.
func TestMovedLogAtTheEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be moved")
	}
	log, path := begun(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*MovedError](log.Close()); !ok {
		t.Error("Close of a removed log returns no error")
	}
}

// For a resumed log, the expected size starts at its current size.
func TestResumedLogIsNotTruncated(t *testing.T) {
	path := writeLog(t, Revoked)
	appendTo(t, path, `{"type":"result","li`)
	next := header
	log, _, err := Resume(path, &next, ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(&next)
	if err := log.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := log.Check(); err != nil {
		t.Errorf("Check = %v, want nil", err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

// A run that sent nothing leaves no empty file that would block the name for the next run.
func TestNothingIsLeftWithoutALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	for _, write := range []bool{false, true} {
		log, err := Create(path, false)
		if err != nil {
			t.Fatal(err)
		}
		if write {
			log.mu.Lock()
			log.sync = func() error { return errors.New("this file system cannot sync") }
			log.mu.Unlock()
			run := header
			log.Write(&run)
		}
		if err := log.Close(); (err != nil) != write {
			t.Errorf("Close = %v", err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("written %v: the file is there still", write)
		}
	}
}

// --overwrite refuses other files. Earlier it truncated whatever file was named.
func TestCreateReplaces(t *testing.T) {
	dir := t.TempDir()
	in := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	others := map[string]string{"glass.txt": "glass@contoso.com\n", "list.jsonl": `{"user":"dana@contoso.com"}` + "\n",
		"short": `{"type":`, "rows.jsonl": `{"type":"result"}` + "\n"}
	for name, text := range others {
		path := in(name, text)
		if _, err := Create(path, true); !errors.Is(err, ErrNotLog) || !strings.Contains(err.Error(), path) {
			t.Errorf("Create over %s = %v, want ErrNotLog with its path", name, err)
		}
		if err := CheckReplaceable(path); !errors.Is(err, ErrNotLog) {
			t.Errorf("CheckReplaceable(%s) = %v, want ErrNotLog", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%s is now %q", name, after)
		}
	}
	const old = `{"type":"run","version":"old"}` + "\n"
	logs := map[string]string{"empty": "", "log": old, "mark": "\ufeff" + old, "torn": `{"type":"run","ver`}
	for name, text := range logs {
		log, err := Create(in(name, text), true)
		if err != nil {
			t.Errorf("Create over %s = %v, want nil", name, err)
			continue
		}
		log.Close()
	}
}

// The old log stays until the new one has a line.
func TestCreateKeepsTheOldLog(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open file cannot be renamed")
	}
	path := writeLog(t, Revoked)
	before, _ := os.ReadFile(path)
	link := filepath.Join(t.TempDir(), "last.jsonl")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	log, err := Create(link, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Errorf("the log is now %q, but no new log was started", after)
	}
	if log, err = Create(link, true); err != nil {
		t.Fatal(err)
	}
	run := header
	run.Version = "new"
	log.Write(&run)
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if after, _ := os.ReadFile(path); !strings.Contains(string(after), `"version":"new"`) {
		t.Errorf("the log is still %q", after)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("the directory has %v, want only the log", entries)
	}
}

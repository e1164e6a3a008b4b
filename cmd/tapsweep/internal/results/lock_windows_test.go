package results

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"
)

// What Windows locks nobody else reads or writes: it must be nothing that a log can
// hold, and the lock must be gone when the log is closed, though other handles are not.
func TestLockIsBeyondTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	const before, all = uint32(lockedByte >> 32), uint32(lockedByte>>32) + 1 // the high halves of lengths
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 0, before, new(windows.Overlapped)); err != nil {
		t.Fatalf("locking all that a log can hold: %v", err)
	}
	if err := windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 0, before, new(windows.Overlapped)); err != nil {
		t.Fatal(err)
	}
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 0, all, new(windows.Overlapped)); !errors.Is(err,
		windows.ERROR_LOCK_VIOLATION) {
		t.Errorf("locking what the run has locked: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := lockByte(f, lockedByte); err != nil {
		t.Errorf("after the run: %v", err)
	}
}

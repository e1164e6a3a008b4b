package results

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows"

	"tapsweep/testdata/assert"
)

// What Windows locks nobody else reads or writes: it must be nothing that a log can
// hold, and the lock must be gone when the log is closed, though other handles are not.
func TestLockIsBeyondTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log := assert.Must(Create(path, false))
	f := assert.Must(os.Open(path))
	defer f.Close()
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	const before, all = uint32(lockedByte >> 32), uint32(lockedByte>>32) + 1 // the high halves of lengths
	assert.OK(t, windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 0, before, new(windows.Overlapped)),
		"locking all that a log can hold")
	assert.OK(t, windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 0, before, new(windows.Overlapped)))
	if err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 0, all, new(windows.Overlapped)); !errors.Is(err,
		windows.ERROR_LOCK_VIOLATION) {
		t.Errorf("locking what the run has locked: %v", err)
	}
	assert.OK(t, log.Close())
	assert.Is(t, "after the run", lockByte(f, lockedByte), nil)
}

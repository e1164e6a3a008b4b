package results

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// appendFlag is 0 on Windows: a file opened only for appending cannot be truncated.
const appendFlag = 0

// lockedByte is where the lock lies, far beyond the end of any log. On Windows what is
// locked can be neither read nor written through another handle, and a lock beyond the
// end is allowed.
// Source: LockFileEx in the Windows API's reference.
const lockedByte = 1 << 62

// lockLog takes the lock that keeps a second run off the log, or fails. The lock goes
// with the process, however it ends.
func lockLog(f *os.File) (io.Closer, error) {
	err := lockByte(f, lockedByte)
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return nil, fmt.Errorf("%s: %w", f.Name(), ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	return heldLock{f}, nil
}

func lockByte(f *os.File, offset uint64) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, overlapped(offset))
}

func overlapped(offset uint64) *windows.Overlapped {
	return &windows.Overlapped{Offset: uint32(offset), OffsetHigh: uint32(offset >> 32)}
}

// A heldLock is a lock through the log's own handle.
type heldLock struct{ *os.File }

// Close gives the lock back and leaves the handle open. Closing the handle would do it
// too, but not at once.
func (l heldLock) Close() error {
	return windows.UnlockFileEx(windows.Handle(l.Fd()), 0, 1, 0, overlapped(lockedByte))
}

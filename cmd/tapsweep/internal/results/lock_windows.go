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

// lockedByte is the offset of the byte that is locked, far beyond the end of any log. On Windows, nobody can
// read or write locked bytes through another handle. A lock beyond the end of the file is allowed.
// Source: LockFileEx in the Windows API's reference.
const lockedByte = 1 << 62

// lockLog locks the log against a second run. It returns ErrInUse if another run has the lock. The system
// releases the lock when the process ends, even after a kill.
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

// A heldLock is a lock through the handle of the log.
type heldLock struct{ *os.File }

// Close releases the lock and leaves the handle open. Closing the handle also releases the lock, but not
// immediately.
func (l heldLock) Close() error {
	return windows.UnlockFileEx(windows.Handle(l.Fd()), 0, 1, 0, overlapped(lockedByte))
}

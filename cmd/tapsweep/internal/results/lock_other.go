//go:build !windows

package results

import (
	"fmt"
	"io"
	"os"

	"github.com/gofrs/flock"
)

// appendFlag makes each write go to the current end of the log, so that a log that somebody
// has truncated gets no gap of NUL bytes.
const appendFlag = os.O_APPEND

// lockLog takes the lock that keeps a second run off the log, or fails. The lock goes
// with the process, however it ends.
func lockLog(f *os.File) (io.Closer, error) {
	lock := flock.New(f.Name(), flock.SetFlag(os.O_RDWR))
	ok, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
	case !ok:
		return nil, fmt.Errorf("%s: %w", f.Name(), ErrInUse)
	}
	return lock, nil
}

//go:build !windows

package results

import (
	"fmt"
	"io"
	"os"

	"github.com/gofrs/flock"
)

// appendFlag makes each write go to the current end of the log. Otherwise a log that somebody truncated would
// get a gap of NUL bytes.
const appendFlag = os.O_APPEND

// lockLog locks the log against a second run. It returns ErrInUse if another run has the lock. The system
// releases the lock when the process ends, even after a kill.
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

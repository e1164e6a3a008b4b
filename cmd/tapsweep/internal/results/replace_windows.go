package results

import (
	"errors"
	"os"
)

// appendFlag is 0 on Windows: a file opened only for appending cannot be truncated, and an
// open file cannot be renamed or removed without permission.
const appendFlag = 0

// replace truncates the log at path after locking it. It cannot use a new file, because an
// open file cannot be renamed.
func replace(path string) (*Log, error) {
	f, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockLog(f)
	if err == nil {
		err = checkReplaceable(f)
	}
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, unlock(lock), f.Close())
	}
	return newLog(path, f, f.Sync, lock).at(&place{path: path, file: f}), nil
}

// unlinked returns false, because this is not known on Windows.
func unlinked(os.FileInfo) bool { return false }

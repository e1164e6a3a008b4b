package results

import (
	"errors"
	"os"
)

// appendFlag is none on Windows: a file that is only appended to cannot be cut, and nobody
// renames or removes one that is open without leave.
const appendFlag = 0

// replace empties the log at path, once it is ours: an open file cannot be renamed.
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

// unlinked is not known.
func unlinked(os.FileInfo) bool { return false }

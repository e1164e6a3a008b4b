package fileout

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"syscall"
)

// SyncDir writes the names in a directory to disk. A new name, or one after a rename, can be lost in a power loss even
// if the file itself is on disk. SyncDir does nothing if the system, the file system or the permissions do not allow
// it. Source: fsync_fname in PostgreSQL, src/common/file_utils.c, for the errors EACCES, EBADF and EINVAL.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) { // only files can be created in it
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	notPossible := []error{syscall.EINVAL, syscall.EBADF, errors.ErrUnsupported}
	if slices.ContainsFunc(notPossible, func(e error) bool { return errors.Is(err, e) }) {
		return nil
	}
	return err
}

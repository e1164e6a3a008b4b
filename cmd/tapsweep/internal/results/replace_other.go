//go:build !windows

package results

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// appendFlag makes each write go to the current end of the log, so that a log that somebody
// has truncated gets no gap of NUL bytes.
const appendFlag = os.O_APPEND

// replace starts a new log next to the one at path. The old log stays until the new one has
// its first line. If path is a link, the link stays and its target is replaced.
func replace(path string) (*Log, error) {
	old, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	// The lock is held to the end, so that a run that has opened the old log cannot use it.
	oldLock, err := lockLog(old)
	if err != nil {
		return nil, err
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		err = checkReplaceable(old)
	}
	if err != nil {
		return nil, errors.Join(err, oldLock.Close())
	}
	beside := filepath.Join(filepath.Dir(target), ".tapsweep-"+rand.Text())
	f, err := os.OpenFile(beside, os.O_RDWR|os.O_CREATE|os.O_EXCL|appendFlag, 0o600)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot write the new log next to the old one: %w", err), oldLock.Close())
	}
	lock, err := lockLog(f)
	if err != nil {
		return nil, errors.Join(err, oldLock.Close(), f.Close(), os.Remove(beside))
	}
	p := &place{path: path, file: f, created: beside, target: target}
	return newLog(path, f, f.Sync, locks{lock, oldLock}).at(p), nil
}

// locks are released together.
type locks []interface{ Close() error }

func (l locks) Close() (err error) {
	for _, one := range l {
		err = errors.Join(err, one.Close())
	}
	return err
}

// unlinked reports whether an open file no longer has a name.
func unlinked(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

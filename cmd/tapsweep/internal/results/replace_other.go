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

// appendFlag has each write go to the end of a log, wherever that is by then: a log that
// somebody has truncated gets no hole of NUL bytes.
const appendFlag = os.O_APPEND

// replace begins a log beside that at path, which stays until the new one has its first
// line. A link to a log stays one: what it leads to is replaced.
func replace(path string) (*Log, error) {
	old, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	// The lock is kept to the end, so that no run that has opened the old log goes on with it.
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

// locks are given back together.
type locks []interface{ Close() error }

func (l locks) Close() (err error) {
	for _, one := range l {
		err = errors.Join(err, one.Close())
	}
	return err
}

// unlinked reports whether an open file has no name any more.
func unlinked(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}

package results

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tapsweep/testdata/assert"
)

// A log that cannot be locked leaves no empty file that would block the name for the next run. Here the process can
// open the log, but no second file to lock it.
func TestNothingIsLeftWithoutALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	next := assert.Must(os.Open(os.DevNull)) // has the lowest free number
	var limit syscall.Rlimit
	assert.OK(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	low := syscall.Rlimit{Cur: uint64(next.Fd()) + 1, Max: limit.Max}
	next.Close()
	assert.OK(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	_, err := Create(path, false)
	assert.OK(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	assert.Is(t, "Create", err, syscall.EMFILE)
	_, err = os.Lstat(path)
	assert.Is(t, "Lstat of the file that is gone", err, os.ErrNotExist)
}

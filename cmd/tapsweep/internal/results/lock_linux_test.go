package results

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tapsweep/testdata/assert"
)

// A log that cannot be locked leaves no empty file that would block the name for the next run. Here the process may
// open only one more file, and the lock opens a second one.
func TestNothingIsLeftWithoutALock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.jsonl")
	var before syscall.Rlimit
	assert.OK(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	assert.OK(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 100, Max: before.Max}))
	var open []*os.File
	for f, err := os.Open(os.DevNull); err == nil; f, err = os.Open(os.DevNull) {
		open = append(open, f)
	}
	open[0].Close()
	_, err := Create(path, false)
	assert.Is(t, "Create", err, syscall.EMFILE)
	for _, f := range open[1:] {
		f.Close()
	}
	assert.OK(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before))
	_, err = os.Lstat(path)
	assert.Is(t, "Lstat of the file that is gone", err, os.ErrNotExist)
}

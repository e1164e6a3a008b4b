package run

import (
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"testing/iotest"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// A file that cannot be written has a hint, also on a read-only file system.
func TestFileHints(t *testing.T) {
	for err, want := range map[error]int{fs.ErrPermission: 1, syscall.EROFS: 1, syscall.ENOSPC: 0} {
		assert.Same(t, fmt.Sprintf("hints for %v", err), len(fileHints(err, logFlags)), want)
	}
}

// If the disk is full while the lists are read, the command ends as it does if the disk becomes full later.
func TestDiskIsFullForTheLists(t *testing.T) {
	full := iotest.ErrReader(syscall.ENOSPC)
	_, err := openLists(full, &RevokeOptions{Lists: []string{"-"}}, new(results.Lists))
	assert.Same(t, "exit code", exitCode(err), status.Stopped)
}

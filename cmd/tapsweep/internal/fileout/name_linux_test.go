package fileout

import (
	"path/filepath"
	"testing"

	"tapsweep/testdata/assert"
)

// Commit opens the directory after the rename, to sync the new name.
func TestNameIsOnDisk(t *testing.T) {
	dir := t.TempDir()
	events := assert.Watch(t, dir)
	assert.OK(t, write(t, filepath.Join(dir, "file"), true, "text"))
	assert.Equal(t, "what Commit did", events(), []string{"file renamed", "directory opened"})
}

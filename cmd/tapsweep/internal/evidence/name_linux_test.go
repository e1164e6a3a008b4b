package evidence

import (
	"path/filepath"
	"testing"

	"tapsweep/testdata/assert"
)

// Make opens the parent directory, to sync the name of the new directory. Otherwise a power loss could lose the log in
// it.
func TestNameIsOnDisk(t *testing.T) {
	dir := t.TempDir()
	events := assert.Watch(t, dir)
	assert.OK(t, Make(filepath.Join(dir, "evidence")))
	assert.Equal(t, "what Make did", events(), []string{"directory opened"})
}

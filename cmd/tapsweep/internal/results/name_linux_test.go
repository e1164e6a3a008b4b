package results

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tapsweep/testdata/assert"
)

// The name of a log is on disk before anything is sent: Sync opens its directory to sync it, after the log was renamed.
// If the directory cannot be opened, the run ends.
func TestNameIsOnDisk(t *testing.T) {
	newLog := func(path string) (*Log, error) { return Create(path, false) }
	replaced := func(path string) (*Log, error) {
		assert.OK(t, os.WriteFile(path, []byte(firstBytes), 0o600))
		return Create(path, true)
	}
	resumed := func(path string) (*Log, error) {
		assert.OK(t, os.WriteFile(path, nil, 0o600))
		log, _, err := Resume(path, &header, ResumeOptions{})
		return log, err
	}
	resumedBehindALink := func(path string) (*Log, error) {
		assert.OK(t, os.WriteFile(path, nil, 0o600))
		link := filepath.Join(t.TempDir(), "last.jsonl")
		assert.OK(t, os.Symlink(path, link))
		log, _, err := Resume(link, &header, ResumeOptions{})
		return log, err
	}
	for name, tt := range map[string]struct {
		begin func(path string) (*Log, error)
		want  []string
	}{
		"a new log":                   {newLog, []string{"directory opened"}},
		"a log that replaces another": {replaced, []string{"log.jsonl renamed", "directory opened"}},
		"a resumed log":               {resumed, []string{"directory opened"}},
		"a resumed log behind a link": {resumedBehindALink, []string{"directory opened"}},
	} {
		for _, gone := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "dir")
			assert.OK(t, os.Mkdir(dir, 0o700))
			log := assert.Must(tt.begin(filepath.Join(dir, "log.jsonl")))
			events := assert.Watch(t, dir)
			if gone {
				assert.OK(t, os.Rename(dir, dir+"2"))
			}
			log.Write(&Header{})
			err := log.Sync()
			assert.That(t, errors.Is(err, os.ErrNotExist) == gone, "%s, directory gone %v: Sync = %v", name, gone, err)
			if !gone {
				log.Write(&End{})
				assert.OK(t, log.Sync())
				assert.Equal(t, name+": what Sync did", events(), tt.want)
			}
			log.Close()
		}
	}
}

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/testdata/assert"
)

// Every command that is listed has a man page, which names each of its flags.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "man1")
	assert.OK(t, (&program{version: "devel"}).writeManPages(dir))
	for _, cmd := range new(program).rootCommand().Commands() {
		if cmd.Hidden || cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		page := string(mustRead(t, filepath.Join(dir, "tapsweep-"+cmd.Name()+".1")))
		for _, flag := range flagNames(cmd) {
			assert.Holds(t, "the page of "+cmd.Name(), page, `\fB--`+flag+`\fP`)
		}
	}
}

func TestManDirectoryThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	assert.OK(t, os.WriteFile(path, nil, 0o600))
	p := tapsweep(t, nil, "man", path)
	assert.Same(t, "exit", p.code, status.Usage)
	assert.Holds(t, "standard error", p.stderr, "writing the man pages: ")
}

package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const (
	oid1  = "3f2a1c00-0000-4000-8000-000000000001"
	pass1 = "9f0c7d00-0000-4000-8000-0000000000a1"
	pass2 = "9f0c7d00-0000-4000-8000-0000000000a2"
	dana  = "dana@contoso.com"
	eli   = "eli@fabrikam.com"
)

// write puts a text into a file of that name and returns its path. Lines of a log that lack the number of lines
// before them get it.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path, n := filepath.Join(t.TempDir(), name), 0
	var b strings.Builder
	for line := range strings.Lines(text) {
		counted := strings.HasPrefix(line, `{"type":"end"`) || n > 0 && strings.HasPrefix(line, `{"type":"run"`)
		if open, ok := strings.CutSuffix(line, "}\n"); ok && counted && !strings.Contains(line, `"lines":`) {
			line = fmt.Sprintf("%s,\"lines\":%d}\n", open, n)
		}
		if strings.HasPrefix(line, lineMark) {
			n++
		}
		b.WriteString(line)
	}
	assert.OK(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// textOf returns the text of a file, and none if it cannot be read.
func textOf(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// openList opens lists, of which some are logs.
func openList(names []string, opts input.Options) (*input.List, *Lists, error) {
	logs := new(Lists)
	opts.Reader = logs.Read
	l, err := input.Open(names, opts)
	return l, logs, err
}

// open is openList for lists in which nothing is wrong.
func open(t *testing.T, opts input.Options, names ...string) (*input.List, *Lists) {
	t.Helper()
	l, logs, err := openList(names, opts)
	assert.OK(t, err, "Open")
	t.Cleanup(func() { l.Close() })
	return l, logs
}

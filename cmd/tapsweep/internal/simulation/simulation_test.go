package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

func TestSetVariable(t *testing.T) {
	const v = `SSL_CERT_FILE=C:\Users\O'Neill\a=b\ca.pem`
	for system, want := range map[string]string{
		"linux": "export " + v, "darwin": "export " + v,
		"windows": `$env:SSL_CERT_FILE = 'C:\Users\O''Neill\a=b\ca.pem'`,
	} {
		assert.Same(t, "on "+system, setVariable(system, v), want)
	}
}

// A list of a simulation replaces no file.
func TestWriteList(t *testing.T) {
	held := graphsim.New(graphsim.Options{})
	held.AddUsers(3)
	path := filepath.Join(t.TempDir(), "simulated.csv")
	assert.OK(t, writeList(path, held.Remaining()))
	assert.That(t, writeList(path, held.Remaining()[:1]) != nil, "a list is replaced")
	text, err := os.ReadFile(path)
	assert.That(t, err == nil && strings.Count(string(text), "\n") == 4,
		"the list has %d lines, want 4: %v", strings.Count(string(text), "\n"), err)
}

func TestParseLimit(t *testing.T) {
	for text, ok := range map[string]bool{"20/s": true, "0.5/s:5": true, "3000/150s": true, "5/10s": true,
		"": false, "20": false, "0/s": false, "-1/s": false, "20/s:0": false, "2.5/10s": false, "5/10s:3": false,
		"5/x": false, "NaN/s": false} {
		if _, err := ParseLimit(text); (err == nil) != ok {
			t.Errorf("ParseLimit(%q) = %v, want ok %v", text, err, ok)
		}
	}
}

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

// A list of a simulation replaces only such a list, and only with --overwrite.
func TestWriteList(t *testing.T) {
	const (
		list    = "user,method,simulated\nann@contoso.com,1,yes\n"
		byHand  = "user,method\nann@contoso.com,1\n"
		another = "break-glass@contoso.com\n"
	)
	held := graphsim.New(graphsim.Options{})
	held.AddUsers(3)
	for _, tt := range []struct {
		name, before string
		overwrite    bool
		lines        int // of the new list, 0 for none
	}{
		{"no file", "", false, 4},
		{"an earlier list", list, false, 0},
		{"an earlier list, with --overwrite", list, true, 4},
		{"a list that a person wrote, with --overwrite", byHand, true, 0},
		{"another file, with --overwrite", another, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list.csv")
			if tt.before != "" {
				assert.OK(t, os.WriteFile(path, []byte(tt.before), 0o600))
			}
			err := (&Options{WriteList: path, Overwrite: tt.overwrite}).writeList(held.Remaining())
			assert.Same(t, "written", err == nil, tt.lines > 0)
			text := string(assert.Must(os.ReadFile(path)))
			if tt.lines > 0 {
				assert.Same(t, "lines of the list", strings.Count(text, "\n"), tt.lines)
			} else {
				assert.Same(t, "the file", text, tt.before)
			}
		})
	}
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

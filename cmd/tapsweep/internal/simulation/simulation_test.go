package simulation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
)

func TestSetVariable(t *testing.T) {
	const v = `SSL_CERT_FILE=C:\Users\O'Neill\a=b\ca.pem`
	for system, want := range map[string]string{
		"linux": "export " + v, "darwin": "export " + v,
		"windows": `$env:SSL_CERT_FILE = 'C:\Users\O''Neill\a=b\ca.pem'`,
	} {
		if got := setVariable(system, v); got != want {
			t.Errorf("on %s: %s, want %s", system, got, want)
		}
	}
}

// With --overwrite a second simulation replaces the list of the first one, but no list of
// real users.
func TestSimulateReplacesItsList(t *testing.T) {
	held := graphsim.New(graphsim.Options{})
	held.AddUsers(3)
	path := filepath.Join(t.TempDir(), "simulated.csv")
	if err := writeList(path, false, held.Remaining()); err != nil {
		t.Fatal(err)
	}
	if err := writeList(path, false, held.Remaining()); err == nil {
		t.Error("without --overwrite the list of a simulation is replaced")
	}
	if err := writeList(path, true, held.Remaining()[:1]); err != nil {
		t.Errorf("with --overwrite the list of a simulation is not replaced: %v", err)
	}
	if n := strings.Count(string(mustRead(t, path)), "\n"); n != 2 {
		t.Errorf("the list has %d lines, want 2", n)
	}
	for name, text := range map[string]string{"people": "user,method\ndana@contoso.com,9f0c11aa-1111-4222-8333-000000000001\n", "notes": "break glass\n",
		"more": string(mustRead(t, path)) + "dana@contoso.com,\n"} {
		other := writeFile(t, name+".csv", text)
		if err := writeList(other, true, held.Remaining()); err == nil {
			t.Errorf("%s: the file is replaced", name)
		}
		if got := string(mustRead(t, other)); got != text {
			t.Errorf("%s: the file holds %q, want %q", name, got, text)
		}
	}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
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

package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verify reads logs as returned by kubectl logs and as written by Windows PowerShell.
func TestReadUsers(t *testing.T) {
	for _, tt := range []struct {
		file         string
		users, stray int
	}{
		{"log-ps51-redirect.jsonl", 3, 0},
		{"log-pod-merged.log", 16, 1},
	} {
		held, err := ReadUsers(filepath.Join("../../../../testdata/logs", tt.file))
		if err != nil {
			t.Errorf("ReadUsers(%s) = %v", tt.file, err)
			continue
		}
		if len(held.Users) != tt.users {
			t.Errorf("%s: %d users, want %d", tt.file, len(held.Users), tt.users)
		}
		if held.Foreign != tt.stray {
			t.Errorf("%s: %d lines are left out, want %d", tt.file, held.Foreign, tt.stray)
		}
	}
}

// Users whose sessions a killed run was to revoke have them left, although a run without
// --revoke-sessions has ended the log.
func TestReadUsersWithForgottenSessions(t *testing.T) {
	const row = `{"type":"result","user":"a@contoso.com","outcome":"revoked"}` + "\n"
	const killed, other, end = `{"type":"run","sessions":true}` + "\n", `{"type":"run"}` + "\n", `{"type":"end"}` + "\n"
	for _, tt := range []struct {
		name, text string
		left       bool
	}{
		{"killed", killed + row + other + end, true},
		{"ended", killed + row + end + other + end, false},
		{"without sessions", other + row + end, false},
	} {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		held, err := ReadUsers(path)
		if err != nil {
			t.Errorf("%s: ReadUsers = %v", tt.name, err)
		} else if left := held.Users[0].Sessions != nil; left != tt.left {
			t.Errorf("%s: sessions are left: %v, want %v", tt.name, left, tt.left)
		}
	}
}

func TestReadUsersRefuses(t *testing.T) {
	const run, end = `{"type":"run","digest":"x"}` + "\n", `{"type":"end"}` + "\n"
	const row = `{"type":"result","user":"a@contoso.com","outcome":"revoked"}` + "\n"
	for _, tt := range []struct{ name, text, want string }{
		{"a list", "user\na@contoso.com\n", "it is not a results log"},
		{"rows without a run", row + run + end, "its first line does not describe a run"},
		{"a broken row", run + `{"type":"result","us` + "\n" + end, "line 2 is broken"},
		{"a row behind other text", run + "2026-03-02T08:15:00Z " + row + end,
			`line 2 has "2026-03-02T08:15:00Z " before`},
		{"a row cut out", run + `{"type":"end","lines":2}` + "\n", "lacks 1 of its 2 lines"},
		{"fewer rows than counts", run + row + `{"type":"end","counts":{"revoked":2,"denied":1}}` + "\n",
			"lacks 2 of its 3 rows"},
		{"two tenants", `{"type":"run","tenant":"a"}` + "\n" + row + end + `{"type":"run","tenant":"b"}` + "\n" + row +
			end,
			"it is the log of tenant b, not a"},
		{"two Graph roots", `{"type":"run","graphRoot":"a"}` + "\n" + row + end + run + row + end,
			"it is a log of (not known), not a"},
		{"a row after the end", run + row + end + row, "line 4: the results log continues after its end"},
		{"a row after the end, without a line end", run + row + end + strings.TrimSpace(row),
			"continues after its end"},
		{"a torn row after the end", run + row + end + row[:20], "line 4 is not whole"},
		{"a killed log before another", run + row + strings.ReplaceAll(run, "x", "y") + row + end, "has no end"},
		{"no end", run + "tapsweep: text\n", "has no end"},
	} {
		path := filepath.Join(t.TempDir(), "log.jsonl")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadUsers(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: ReadUsers = %v, want %q", tt.name, err, tt.want)
		}
	}
}

package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A pass that a sweep was about to delete when it was killed is not known to be
// deleted, nor to be left alone; and "me" is who it was.
func TestKilledSweep(t *testing.T) {
	const id = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c31"
	log := filepath.Join(t.TempDir(), "k.jsonl")
	text := `{"type":"run","command":["sweep","--all-users","--yes"],"digest":"x","tenant":"t","self":"` + id +
		`9","start":"2026-03-02T08:00:00Z"}
{"type":"result","line":0,"source":"scan","user":"` + id + `1","method":"9f0c11aa-1111-4222-8333-000000000001","outcome":"found","time":"2026-03-02T08:00:01Z","reason":"expired","pending":true}
{"type":"result","line":0,"source":"scan","user":"` + id + `2","method":"9f0c11aa-1111-4222-8333-000000000002","outcome":"found","time":"2026-03-02T08:00:01Z","reason":"expired","pending":true}
{"type":"result","line":0,"source":"scan","user":"` + id + `1","method":"9f0c11aa-1111-4222-8333-000000000001","outcome":"revoked","status":204,"attempts":1,"time":"2026-03-02T08:00:02Z","reason":"expired"}
{"type":"result","line":2,"source":"l.csv","user":"me","method":"","anyPass":true,"outcome":"denied","status":403,"attempts":1,"time":"2026-03-02T08:00:02Z"}
`
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	logs, err := OpenLogs(t.Context(), []string{log})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var b bytes.Buffer
	table, err := NewCSV(&b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), logs, table.Row)
	if err != nil {
		t.Fatal(err)
	}
	table.Close()
	if r.Counts[results.Revoked] != 1 || r.Counts[results.Unknown] != 1 || r.Counts[results.Found] != 0 || r.Left != 2 {
		t.Errorf("counts %v, %d left", r.Counts, r.Left)
	}
	for _, want := range []string{",unknown,", "does not tell what became of it", "l.csv,2," + id + "9,,denied"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

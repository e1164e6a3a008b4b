package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A page of many pairs has a CSV file beside it. Its name was mostly that of the list,
// and --overwrite, to which the message pointed, replaced the list.
func TestReportSparesList(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	var log bytes.Buffer
	fmt.Fprintf(&log, `{"type":"run","command":["revoke","--yes","incident.csv"],"tenant":"t","pairs":%d,`+
		`"start":"2026-03-02T08:00:00Z"}`+"\n", report.MaxInline+1)
	for i := range report.MaxInline + 1 {
		fmt.Fprintf(&log, `{"type":"result","line":%d,"source":"incident.csv","user":"u%d@contoso.com",`+
			`"method":"m","outcome":"revoked","time":"2026-03-02T08:00:01Z"}`+"\n", i+2, i)
	}
	const list = "user,method\n"
	for name, text := range map[string]string{"incident.csv": list, "log.jsonl": log.String()} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, args := range [][]string{nil, {"--overwrite"}} {
		args = append([]string{"report", "--html", in("incident.html"), in("log.jsonl")}, args...)
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != status.Done {
			t.Fatalf("%q: exit %d: %s", args, code, stderr.String())
		}
		csv := fmt.Sprintf("incident-%d.csv", i+2)
		if text, err := os.ReadFile(in("incident.csv")); err != nil || string(text) != list {
			t.Errorf("%q: the list is now %q, %v", args, text[:min(len(text), 100)], err)
		}
		if text, err := os.ReadFile(in(csv)); err != nil || bytes.Count(text, []byte("\n")) != report.MaxInline+2 ||
			!strings.Contains(stderr.String(), "wrote "+in(csv)) {
			t.Errorf("%q: %s: %v, %d bytes; it says %s", args, csv, err, len(text), stderr.String())
		}
		if page, err := os.ReadFile(in("incident.html")); err != nil || !bytes.Contains(page, []byte(`href="./`+csv)) {
			t.Errorf("%q: %v, the page has no link to %s", args, err, csv)
		}
	}
}

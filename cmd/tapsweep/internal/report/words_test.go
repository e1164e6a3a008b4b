package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

func pageOf(t *testing.T, p Page, paths ...string) string {
	t.Helper()
	l := open(t, paths...)
	r, err := New(t.Context(), l, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.HTML(t.Context(), &b, l, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A pass that is there, and can be used, was listed among what the passes had been.
func TestReasonsNow(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 3)
	m.row("a.csv", 2, results.Revoked, func(r *results.Row) { r.Reason = "expired" })
	m.row("a.csv", 3, results.Remains, func(r *results.Row) { r.Reason = "usable" })
	m.row("a.csv", 4, results.Denied, func(r *results.Row) { r.Reason = "usable" })
	m.end(1, "")
	path := m.write(t, "a.jsonl")
	got := fmt.Sprint(reportOf(t, path).reasons())
	if want := "[{What the passes were before [{expired 1}]} {What the passes are [{usable 2}]}]"; got != want {
		t.Errorf("reasons %s, want %s", got, want)
	}
	page := pageOf(t, Page{}, path)
	for _, want := range []string{"<caption>What the passes were before<", "<caption>What the passes are<", "pass was expired", "pass is usable"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// What a dry run found is not done by it.
func TestDryRunExit(t *testing.T) {
	for _, command := range []string{"revoke", "sweep"} {
		m := &made{now: night}
		m.line(results.Run{Type: "run", Command: []string{command, "--dry-run"}, Tenant: "t", DryRun: true, Start: m.now})
		m.row("a.csv", 2, results.Planned)
		m.end(0, "")
		if got := reportOf(t, m.write(t, "a.jsonl")).Runs[0].ExitText(); strings.Contains(got, "done") || !strings.Contains(got, "could be revoked") {
			t.Errorf("%s: exit %q", command, got)
		}
	}
}

// A link to a name with # or % led to another file.
func TestLinkToCSV(t *testing.T) {
	page := pageOf(t, Page{CSV: "incident #4711 50%.csv", Inline: 9}, incident(20).write(t, "a.jsonl"))
	if want := `<a href="./incident%20%234711%2050%25.csv">incident #4711 50%.csv</a>`; !strings.Contains(page, want) {
		t.Errorf("no %s in the page", want)
	}
}

// A group of failures is more than its outcome: what its button shows is told apart by
// all that makes the group.
func TestCauses(t *testing.T) {
	m := &made{now: night}
	m.run("a.csv", 4)
	for i, hint := range []string{"", "one", "one", "two"} {
		m.row("a.csv", i+2, results.Failed, func(r *results.Row) { r.Code, r.Status, r.Hint = "", 500+i/3, hint })
	}
	m.end(1, "")
	page := pageOf(t, Page{}, m.write(t, "a.jsonl"))
	groups := make(map[string]int)
	for _, g := range regexp.MustCompile(`<tr data-o="failed" data-g="(\d+)"`).FindAllStringSubmatch(page, -1) {
		groups[g[1]]++
	}
	if len(groups) != 3 || groups["0"] != 2 || strings.Count(page, `class="only" hidden data-outcome="failed" data-g="0"`) != 1 {
		t.Errorf("groups %v", groups)
	}
}

// Logs of releases before the exit codes changed have 2 for a refusal.
func TestExitTextOfRefusal(t *testing.T) {
	for code, want := range map[int]string{
		64: "64, refused, nothing was sent",
		2:  "2, refused, nothing was sent",
	} {
		if got := (&Run{Exit: &code}).ExitText(); got != want {
			t.Errorf("exit %d is shown as %q, want %q", code, got, want)
		}
	}
}

package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

func pageOf(t *testing.T, p htmlPage, paths ...string) string {
	t.Helper()
	l := open(t, paths...)
	r := assert.Must(makeReport(t.Context(), l, nil))
	var b bytes.Buffer
	assert.OK(t, r.writeHTML(t.Context(), &b, l, p))
	return b.String()
}

// Passes are counted by why they can be used or not, and by who created them.
func TestNames(t *testing.T) {
	reason := func(s string) rowChange { return func(r *results.Row) { r.Reason = s } }
	hers := func(r *results.Row) {
		r.Creation = input.Creation{By: "mallory@contoso.com", At: night.Add(-time.Hour), AuditID: "a-7",
			Match: input.MatchID}
	}
	path := logOf(t, 0, 3, "revoke a.csv", row(2, results.Revoked, reason("expired"), hers),
		row(3, results.Remains, reason("usable"), hers), row(4, results.Denied, reason("usable")), ends(1))
	assert.Equal(t, "names", reportOf(t, path).Names(), []names{
		{"Usability of the passes", "Usability", "Passes",
			[]format.Count{{Name: "usable", N: 2}, {Name: "expired", N: 1}}},
		{"Who created the passes, according to the list", "Creator", "Passes",
			[]format.Count{{Name: "mallory@contoso.com", N: 2}}},
	})
	page := strings.ReplaceAll(pageOf(t, htmlPage{}, path), "<wbr>", "")
	assert.Same(t, "passes with a creator", strings.Count(page,
		" created by mallory@contoso.com, according to the list "+
			"<small>audit record a-7, 2026-03-02 01:14:05, matched by id</small>"), 2)
	found := func(r *results.Row) { r.Source, r.Line = results.ScanSource, 0 }
	scan := logOf(t, 0, 0, "scan --created-by m", row(0, results.Found, hers, found), ends(0))
	assert.Equal(t, "names of a scan", reportOf(t, scan).Names(), []names{
		{"Who created the passes", "Creator", "Passes", []format.Count{{Name: "mallory@contoso.com", N: 1}}}})
}

// A browser breaks an address before @ and dots only, unless a part is too long for a column.
func TestAddress(t *testing.T) {
	long := strings.Repeat("o-", longestPart)
	for s, want := range map[string]string{
		"dana.ortiz@contoso.com": "dana<wbr>.ortiz<wbr>@contoso<wbr>.com",
		"o-neil@contoso.com":     `<span class="part">o-neil</span><wbr>@contoso<wbr>.com`,
		"a..b@" + long:           "a<wbr>.<wbr>.b<wbr>@" + long,
		"<b>@x":                  "&lt;b&gt;<wbr>@x",
		"":                       "",
	} {
		assert.Same(t, s, string(address(s)), want)
	}
}

// A link to a name with # or % led to another file.
func TestLinkToCSV(t *testing.T) {
	page := pageOf(t, htmlPage{CSV: "incident #4711 50%.csv", inline: 9}, incident(20).write(t, "a.jsonl"))
	if want := `<a href="./incident%20%234711%2050%25.csv">incident #4711 50%.csv</a>`; !strings.Contains(page, want) {
		t.Errorf("no %s in the page", want)
	}
}

package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// stated are the rows of a report in short. The page has the same rows.
func stated(t *testing.T, paths ...string) (states []string, r *Report) {
	t.Helper()
	l := open(t, paths...)
	r, err := makeReport(t.Context(), l, func(row *reportedRow) error {
		s := fmt.Sprintf("%s %s %d %s %s", row.Method[len(row.Method)-1:], row.Outcome, row.Status, row.RequestID,
			row.Time.Format("15:04"))
		if row.Verified {
			s += " verified"
		}
		if row.Beside {
			s += " beside"
		}
		states = append(states, s)
		return nil
	})
	assert.OK(t, err)
	var page bytes.Buffer
	assert.OK(t, r.writeHTML(t.Context(), &page, l, htmlPage{}))
	assert.Same(t, "rows of the page", strings.Count(page.String(), "<tr data-o="), len(states))
	assert.Same(t, "rows of the page that are left", strings.Count(page.String(), `class="left"><th`),
		r.Left-r.WithoutRow)
	return states, r
}

// If a proof finds another pass in place of one that was deleted, both have a row, and the new one counts.
func TestBothPasses(t *testing.T) {
	path := logOf(t, 0, 3, "revoke --yes --results v1.jsonl a.csv",
		row(2, results.Revoked, notVerified, requestID("del-2")), row(3, results.Replaced, requestID("list-3")),
		row(4, results.Denied, requestID("del-4")), ends(1))
	var looks []piece
	for line := 2; line < 5; line++ { // of the log
		looks = append(looks, row(line, results.Remains, aboutPass(userName(line), fmt.Sprint("new", line+4)),
			answered(200), requestID(fmt.Sprint("look-", line))))
	}
	proof := logOf(t, time.Hour, 3, "verify --results proof.jsonl "+path, append(looks, ends(1))...)

	got, r := stated(t, path, proof)
	assert.Equal(t, "rows", got,
		[]string{"2 revoked 204 del-2 02:14 beside", "3 replaced 200 list-3 02:14 beside",
			"4 denied 403 del-4 02:14 beside",
			"6 remains 200 look-2 03:14", "7 remains 200 look-3 03:14", "8 remains 200 look-4 03:14"})
	assert.Equal(t, "counts", r.Counts, tally{results.Remains: 3})
	assert.Same(t, "all", r.All(), 3)
	assert.Same(t, "commands", len(r.Resume), 1)
	assert.Same(t, "passes for the command", r.Resume[0].Left, 3)
	assert.Same(t, "the log is its list", r.Resume[0].list, true)
	wantNote(t, r, "3 passes are listed and not counted")

	// What is done about the new passes is about these, and the old ones keep their rows.
	rest := logOf(t, 2*time.Hour, 3, "revoke --yes "+proof,
		row(2, results.Revoked, notVerified, aboutPass(userName(2), "new6"), requestID("del-6")),
		row(3, results.Denied, aboutPass(userName(3), "new7"), requestID("del-7")),
		row(4, results.Revoked, notVerified, aboutPass(userName(4), "new8"), requestID("del-8")), ends(1))
	again := logOf(t, 3*time.Hour, 3, "verify --results again.jsonl "+path,
		row(2, results.Revoked, aboutPass(userName(2), pass(2)), answered(200)),
		row(3, results.Remains, aboutPass(userName(3), "new7"), answered(200), requestID("again-3")),
		row(4, results.Remains, aboutPass(userName(4), "new9"), answered(200), requestID("again-4")), ends(1))
	got, r = stated(t, path, proof, rest, again)
	assert.Equal(t, "rows in the end", got, []string{"2 revoked 204 del-2 02:14 beside",
		"3 replaced 200 list-3 02:14 beside", "4 denied 403 del-4 02:14 beside",
		"6 revoked 204 del-6 04:14 verified", "7 denied 403 del-7 04:14", "8 revoked 204 del-8 04:14 beside",
		"9 remains 200 again-4 05:14"})
	assert.Same(t, "pairs", r.Pairs, 3)
	assert.Same(t, "left", r.Left, 2)
}

// One log has two passes for a row of its list. What a run that resumes says about that row counts.
func TestBothPassesOfARun(t *testing.T) {
	for last, want := range map[results.Outcome][]string{
		results.Replaced: {"2 revoked 204 del 02:14 beside", "2 replaced 200 again 03:14"},
		results.Absent:   {"2 revoked 204 del 02:14 beside", "2 absent 200 again 03:14"},
	} {
		got, r := stated(t, logOf(t, 0, 1, "revoke --yes --verify a.csv",
			row(2, results.Revoked, pending, requestID("del")),
			row(2, results.Remains, instead("new6"), answered(200), requestID("look")), ends(1),
			next(1, "revoke --yes --resume a.csv"), row(2, last, requestID("again")), ends(1)))
		assert.Equal(t, "rows", got, want)
		assert.Same(t, "pairs", r.Pairs, 1)
	}
}

// A second log has another row about a pass, or about another pass of the same user.
func TestRowsOfTwoLogs(t *testing.T) {
	of := func(n int) rowChange { return aboutPass(userName(2), pass(n)) }
	verified := func(r *results.Row) { r.Verified = true }
	for _, tt := range []struct {
		name, command string // of the second log
		first, second []piece
		want          []string
	}{
		{"two runs have deleted one pass each for a row that names none", "revoke a.csv",
			[]piece{row(2, results.Revoked, anyPass, requestID("del-2"))},
			[]piece{row(2, results.Revoked, anyPass, of(9), requestID("del-9"))},
			[]string{"2 revoked 204 del-2 02:14 verified beside", "9 revoked 204 del-9 03:14 verified"}},
		{"a proof names which pass of the user is still there", "verify log.jsonl",
			[]piece{row(2, results.Revoked, notVerified, requestID("del-2")),
				row(3, results.Revoked, notVerified, of(3), requestID("del-3"))},
			[]piece{row(2, results.Remains)}, []string{"2 remains 204 del-2 02:14", "3 revoked 204 del-3 02:14"}},
		{"a pass could not be deleted, and a proof shows that it is gone", "verify log.jsonl",
			[]piece{row(2, results.Denied, requestID("del-2"))}, []piece{row(2, results.Absent, verified)},
			[]string{"2 absent 403 del-2 02:14 verified"}},
	} {
		got, _ := stated(t, logOf(t, 0, 2, "revoke a.csv", append(tt.first, ends(0))...),
			logOf(t, time.Hour, 1, tt.command, append(tt.second, ends(1))...))
		assert.Equal(t, tt.name, got, tt.want)
	}
}

// A pass that is found where the row names none takes the place of that row.
func TestPassOutOfNone(t *testing.T) {
	got, _ := stated(t, logOf(t, 0, 1, "revoke --yes --verify a.csv",
		row(2, results.Absent, pending, anyPass, aboutPass(userName(2), ""), requestID("list")),
		row(2, results.Remains, anyPass, aboutPass(userName(2), "new6"), answered(200), requestID("look")), ends(1)))
	assert.Equal(t, "rows", got, []string{"6 remains 200 look 02:14"})
}

// A row of a list without a pass, whose user had three, is one pair. Each pass has a row in the CSV, and the CSV
// as a list has each pair once.
func TestSeveralPasses(t *testing.T) {
	aPass := func(n int, o results.Outcome, change ...rowChange) piece {
		return row(2, o, append([]rowChange{notVerified, anyPass, aboutPass(userName(2), pass(n))}, change...)...)
	}
	path := logOf(t, 0, 3, "revoke --yes l.csv",
		aPass(1, results.Found, pending, withoutRequest), aPass(1, results.Revoked, isBeside),
		aPass(2, results.Found, pending, withoutRequest), aPass(2, results.Revoked, isBeside),
		aPass(3, results.Found, pending, withoutRequest), aPass(3, results.Revoked),
		row(3, results.Revoked, notVerified, requestID("r")))
	got, r := stated(t, path)
	for i, s := range got {
		f := strings.Fields(s)
		got[i] = strings.Join([]string{f[0], f[1], f[len(f)-1]}, " ")
	}
	assert.Equal(t, "rows", got, []string{"1 revoked beside", "2 revoked beside", "3 revoked 02:14", "3 revoked 02:14"})
	assert.Same(t, "pairs", r.Pairs, 2)
	assert.Same(t, "rows that are missing", r.WithoutRow, 1)
	assert.Equal(t, "counts", r.Counts, tally{results.Revoked: 2})
	wantNote(t, r, "2 passes are listed and not counted")

	table := csvOf(t, path)
	pairs, at := 0, slices.Index(csvHeader, "beside")
	for _, line := range table[1:] {
		if strings.Split(line, ",")[at] == "" {
			pairs++
		}
	}
	assert.Same(t, "rows of pairs in the CSV", pairs, r.Pairs)
}

// If a sweep was killed before it could say what became of a pass, that is not known.
func TestKilledSweep(t *testing.T) {
	sweep := logOf(t, 0, 0, "sweep --all-users --yes",
		scanRow(results.Found, "id-1", pass(1), pending, withoutRequest),
		scanRow(results.Found, "id-2", pass(2), pending, withoutRequest),
		scanRow(results.Revoked, "id-1", pass(1), notVerified))
	scan := logOf(t, time.Hour, 0, "scan --all-users --results scan.jsonl", scanRow(results.Found, "id-2", pass(2)))
	for _, logs := range [][]string{{sweep}, {sweep, scan}} { // a scan that finds the pass takes no work away
		r := reportOf(t, logs...)
		assert.Equal(t, "counts", r.Counts, tally{results.Revoked: 1, results.Unknown: 1})
		assert.Same(t, "left", r.Left, 1)
	}
}

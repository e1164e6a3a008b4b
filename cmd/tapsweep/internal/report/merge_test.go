package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// The newest row counts, also of a log that began before another and was resumed after it.
func TestResumedLater(t *testing.T) {
	for _, last := range []results.Outcome{results.Revoked, results.Replaced} {
		first := logOf(t, 0, 2, "revoke a.csv", row(2, results.Revoked), row(3, results.Failed), ends(1),
			later(time.Hour), next(2, "revoke --resume a.csv"), row(3, last), ends(1))
		other := logOf(t, time.Hour, 2, "revoke --results other.jsonl a.csv", row(2, results.Absent),
			row(3, results.Denied), ends(1))
		want := tally{results.Revoked: 1} // and absent later, which confirms it
		want[last]++
		assert.Equal(t, "counts", reportOf(t, first, other).Counts, want)
		assert.Equal(t, "counts in the other order", reportOf(t, other, first).Counts, want)
	}
}

// A second run of a list that finds no pass confirms what the first has revoked, or verified.
func TestAbsentConfirmsRevoked(t *testing.T) {
	none := func(r *results.Row) { r.AnyPass, r.Method = true, "" }
	as := func(change ...rowChange) []rowChange { return change }
	for _, tt := range []struct {
		name          string
		first, second []rowChange
		verified      int
	}{
		{"named passes", as(notVerified), as(notVerified), 0},
		{"verified later", as(notVerified), as(func(r *results.Row) { r.Verified = true }), 1},
		{"verified first", as(anyPass), as(none), 1},
		{"any pass", as(anyPass, notVerified), as(none), 0},
	} {
		first := logOf(t, 0, 1, "revoke a.csv", row(2, results.Revoked, tt.first...), ends(0))
		second := logOf(t, time.Hour, 1, "revoke --verify a.csv", row(2, results.Absent, tt.second...), ends(0))
		r := reportOf(t, second, first)
		assert.Equal(t, tt.name+": counts", r.Counts, tally{results.Revoked: 1})
		assert.Same(t, tt.name+": verified", r.Verified, tt.verified)
	}
	first := logOf(t, 0, 1, "revoke a.csv", row(2, results.Absent), ends(0))
	second := logOf(t, time.Hour, 1, "revoke --results second.jsonl a.csv", row(2, results.Revoked), ends(0))
	assert.Equal(t, "revoked after absent", reportOf(t, first, second).Counts, tally{results.Revoked: 1})
}

// Of two runs at a time, the newest row counts. A pass that is gone does not come back if one is stopped.
func TestRunsSideBySide(t *testing.T) {
	a := logOf(t, 0, 2, "revoke a.csv", later(2*time.Minute), row(2, results.Replaced), row(3, results.Revoked),
		ends(1))
	b := logOf(t, time.Second, 2, "revoke --results b.jsonl a.csv", later(time.Minute), row(2, results.Revoked),
		later(time.Hour), row(3, results.NotSent), stopped(4, "interrupt signal received"))
	r := reportOf(t, a, b)
	assert.Equal(t, "counts", r.Counts, tally{results.Replaced: 1, results.Revoked: 1})
	wantNext(t, r, 1, " --any-pass ") // for the pass that was replaced
	const resumed = "revoke --resume --results a.jsonl any.csv"
	a = logOf(t, 0, 1, "revoke any.csv", row(2, results.NotSent, anyPass), stopped(4, "interrupt signal received"),
		later(time.Hour), next(1, resumed), row(2, results.NotSent, anyPass), stopped(4, "interrupt signal received"))
	b = logOf(t, time.Minute, 1, "revoke --results b.jsonl any.csv", row(2, results.Revoked, anyPass), ends(0))
	assert.Equal(t, "counts of a run that is resumed", reportOf(t, a, b).Counts, tally{results.Revoked: 1})

	// A row that names no pass also means one that the user was given since.
	a = logOf(t, 0, 1, "revoke any.csv", row(2, results.Revoked, anyPass), ends(0))
	b = logOf(t, time.Hour, 1, "revoke --results b.jsonl any.csv", row(2, results.NotSent, anyPass), ends(4))
	assert.Equal(t, "counts of a row without a pass", reportOf(t, a, b).Counts, tally{results.NotSent: 1})
	a = logOf(t, 0, 1, "revoke a.csv", row(2, results.Revoked), ends(0))
	b = logOf(t, time.Hour, 1, "revoke --any-pass --results b.jsonl a.csv", row(2, results.NotSent), ends(4))
	assert.Equal(t, "counts with --any-pass", reportOf(t, a, b).Counts, tally{results.NotSent: 1})
}

// A row that was refused stays refused if the log is the list of another run, and counts once.
func TestRefusedAgain(t *testing.T) {
	first := logOf(t, 0, 1, "revoke --results a.jsonl a.csv", row(2, results.Invalid), ends(1))
	rest := logOf(t, time.Hour, 1, "revoke "+first, row(2, results.Invalid, aboutPass("cut...", "")), ends(1))
	assert.Equal(t, "counts", reportOf(t, first, rest).Counts, tally{results.Invalid: 1})
}

// A pass that a run found when it verified is the same in a run whose list was a copy of that log, and in a proof.
func TestPassOfAnotherList(t *testing.T) {
	first := logOf(t, 0, 1, "revoke --verify a.csv", row(2, results.Revoked, pending),
		row(2, results.Remains, instead("new6")), row(3, results.Revoked, notVerified), ends(1))
	rest := logOf(t, time.Hour, 1, "revoke copy.jsonl",
		row(3, results.Revoked, notVerified, aboutPass(userName(2), "new6")), ends(0))
	proof := logOf(t, 2*time.Hour, 2, "verify --results proof.jsonl gone.jsonl",
		row(2, results.Revoked, aboutPass(userName(2), "new6")), row(3, results.Revoked),
		row(4, results.Absent), ends(0)) // the last is about a user of no other log
	r := reportOf(t, first, rest, proof)
	assert.Equal(t, "counts", r.Counts, tally{results.Revoked: 2, results.Absent: 1})
	assert.Same(t, "verified", r.Verified, 2)
}

// A list names a pass that the user also holds in place of another. The log has two rows of it, and a run with the
// log as its list does it once: the other row is a repeat.
func TestInPlaceOfAndListed(t *testing.T) {
	const ann = "ann@contoso.com"
	is := func(line int, o results.Outcome, method string, change ...rowChange) piece {
		return row(line, o, append([]rowChange{aboutPass(ann, method), notVerified}, change...)...)
	}
	replaced, remains := is(3, results.Replaced, pass(20)), is(2, results.Remains, pass(21), instead(pass(20)))
	for _, tt := range []struct {
		name      string
		log       []piece // after the row of pass 21 on line 2, and of pass 20 on line 3
		row, dupe int     // lines of the log
		again     results.Outcome
		left      int
	}{
		{"the row in place of the other first", []piece{remains, replaced}, 4, 5, results.Replaced, 1},
		{"and deleted", []piece{remains, replaced}, 4, 5, results.Revoked, 0},
		{"the row of the list first", []piece{replaced, remains}, 4, 5, results.Replaced, 1},
		{"gone by its row of the list", []piece{remains, is(3, results.Absent, pass(20))}, 4, 0, results.Absent, 0},
	} {
		first := logOf(t, 0, 2, "revoke --verify --results a.jsonl a.csv", append([]piece{
			is(2, results.Revoked, pass(21), pending), is(3, results.Denied, pass(20))}, append(tt.log, ends(1))...)...)
		repeat, found := is(tt.dupe, results.Duplicate, pass(20)), is(tt.row, tt.again, pass(20))
		for _, rest := range [][]piece{{repeat, found}, {found, repeat}} {
			want := tally{tt.again: 1, results.Duplicate: 1}
			if tt.dupe == 0 {
				rest, want = []piece{found}, tally{tt.again: 2}
			}
			second := logOf(t, time.Hour, 2, "revoke --results rest.jsonl a.jsonl", append(rest, ends(1))...)
			r := reportOf(t, first, second)
			assert.Equal(t, tt.name+": counts", r.Counts, want)
			assert.Same(t, tt.name+": pairs", r.Pairs, 2)
			assert.Same(t, tt.name+": rows left", r.Left-r.WithoutRow, tt.left)
		}
	}
}

// A pass that is on two lists, or on one and in a scan, counts once.
func TestOnTwoLists(t *testing.T) {
	const ann = "ann@contoso.com"
	first := func(o results.Outcome, user, method string, change ...rowChange) piece {
		return row(2, o, append(change, aboutPass(user, method))...)
	}
	second := func(line int, o results.Outcome, user, method string) piece {
		return row(line, o, aboutPass(user, method))
	}
	denied, revoked := first(results.Denied, ann, pass(1)), first(results.Revoked, ann, pass(1))
	for _, tt := range []struct {
		name   string
		first  piece
		second []piece
		want   tally
	}{
		{"deleted for the second", first(results.Denied, "ANN@contoso.com", pass(1)),
			[]piece{second(7, results.Revoked, ann, pass(1))}, tally{results.Revoked: 1}},
		{"deleted for the first", revoked, []piece{second(7, results.NotSent, ann, pass(1))},
			tally{results.Revoked: 1}},
		{"and protected then", revoked, []piece{second(7, results.Protected, ann, pass(1))}, tally{results.Revoked: 1}},
		{"by another name", first(results.Denied, "id-1", pass(1), upn(ann)),
			[]piece{second(7, results.Revoked, ann, pass(1))}, tally{results.Revoked: 1}},
		{"another pass", revoked, []piece{second(7, results.Denied, ann, pass(2))},
			tally{results.Revoked: 1, results.Denied: 1}},
		{"no pass named", first(results.Failed, ann, ""), []piece{second(7, results.Denied, ann, "")},
			tally{results.Denied: 1}},
		{"twice on one list", revoked, []piece{second(7, results.Absent, ann, pass(1)),
			second(8, results.Duplicate, ann, pass(1))}, tally{results.Revoked: 1, results.Duplicate: 1}},
		{"swept since", denied, []piece{scanRow(results.Revoked, ann, pass(1))}, tally{results.Revoked: 1}},
		{"found since", denied, []piece{scanRow(results.Found, ann, pass(1))}, tally{results.Denied: 1}},
		{"swept before", scanRow(results.Failed, ann, pass(1)), []piece{second(7, results.Revoked, ann, pass(1))},
			tally{results.Revoked: 1}},
	} {
		r := reportOf(t, logOf(t, 0, 1, "revoke suspects.csv", tt.first, ends(1)),
			logOf(t, time.Hour, 3, "revoke --results second.jsonl mallory.csv", append(tt.second, ends(1))...))
		assert.Equal(t, tt.name, r.Counts, tt.want)
	}
}

// What the log of one run left is the list of another, and a list is worked on in several logs.
func TestMerge(t *testing.T) {
	first := logOf(t, 0, 3, "revoke --results a.jsonl a.csv", row(2, results.Revoked), row(3, results.Denied),
		row(4, results.Failed), ends(1))
	again := logOf(t, time.Hour, 3, "revoke --results again.jsonl a.csv", row(2, results.Absent),
		row(3, results.Revoked),
		row(4, results.Failed), ends(1))
	other := logOf(t, 2*time.Hour, 1, "revoke other.csv",
		row(2, results.UnknownUser, aboutPass(userName(99), pass(99))), ends(1))
	rest := logOf(t, 3*time.Hour, 2, "revoke "+filepath.Join("some", "where", "a.jsonl"), row(3, results.Denied),
		row(4, results.Revoked), ends(1))
	for _, tt := range []struct {
		name  string
		paths []string
		want  tally
		lists int
	}{
		{"one", []string{first}, tally{results.Revoked: 1, results.Denied: 1, results.Failed: 1}, 1},
		{"the same list", []string{again, first}, tally{results.Revoked: 2, results.Failed: 1}, 1},
		{"the log was the list", []string{rest, first}, tally{results.Revoked: 2, results.Denied: 1}, 2},
		{"all", []string{rest, again, other, first},
			tally{results.Revoked: 2, results.Denied: 1, results.UnknownUser: 1}, 3},
	} {
		r := reportOf(t, tt.paths...)
		assert.Equal(t, tt.name+": counts", r.Counts, tt.want)
		assert.Same(t, tt.name+": lists", len(r.Lists), tt.lists)
		assert.Same(t, tt.name+": runs", len(r.Runs), len(tt.paths))
		assert.Same(t, tt.name+": pairs without a row", r.WithoutRow, 0)
		assert.Same(t, tt.name+": the first run", r.Runs[0].Start, night)
	}
}

// A log from the future would count in place of an honest one. The report says so.
func TestLogFromTheFuture(t *testing.T) {
	const note = " is from the future ("
	at := func(ahead time.Duration) string {
		return logOf(t, time.Since(night)+ahead, 1, "revoke --results f.jsonl a.csv", row(2, results.Revoked),
			ends(0))
	}
	future := at(2 * time.Hour)
	assert.Holds(t, "notes", strings.Join(reportOf(t, future).Notes(), "\n"), "Line 1 of "+future+note)
	assert.Lacks(t, "notes of another clock", strings.Join(reportOf(t, at(10*time.Minute)).Notes(), "\n"), note)
}

// Each flag about signing in that the commands lack has one note, also if two logs were written in turns.
func TestSignInNotesOfTwoLogs(t *testing.T) {
	const command = "revoke --tenant x --results "
	first := logOf(t, 0, 1, command+"a.jsonl a.csv", row(2, results.Failed), ends(1), later(time.Hour),
		next(1, command+"a.jsonl --resume a.csv"), row(2, results.Failed), ends(1))
	second := logOf(t, time.Hour, 1, command+"b.jsonl b.csv", row(3, results.Failed), ends(1))
	notes := strings.Join(reportOf(t, first, second).Notes(), "\n")
	assert.Same(t, "notes about the first log", strings.Count(notes, first+" was written with --tenant x"), 1)
}

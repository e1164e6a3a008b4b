package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tapsweep/cmd/tapsweep/internal/results"
)

func (m *logBuilder) copy() *logBuilder {
	c := &logBuilder{now: m.now}
	c.Write(m.Bytes())
	return c
}

// A log that was resumed after another had begun was taken to be the older one
// throughout, and its newest rows counted for nothing.
func TestResumedLater(t *testing.T) {
	for _, last := range []results.Outcome{results.Revoked, results.Replaced} {
		first := &logBuilder{now: night}
		first.run("a.csv", 2)
		first.row("a.csv", 2, results.Revoked)
		first.row("a.csv", 3, results.Failed)
		first.end(1, "")
		other := &logBuilder{now: night.Add(time.Hour)}
		other.run("a.csv", 2, "--results", "other.jsonl")
		other.row("a.csv", 2, results.Absent)
		other.row("a.csv", 3, results.Denied)
		other.end(1, "")
		first.later(2 * time.Hour)
		first.run("a.csv", 2, "--resume")
		first.row("a.csv", 3, last)
		first.end(1, "")
		paths := []string{first.write(t, "z.jsonl"), other.write(t, "a.jsonl")}
		want := map[results.Outcome]int{results.Revoked: 1} // and absent later, which confirms it
		want[last]++
		for range 2 {
			if diff := cmp.Diff(want, reportOf(t, paths...).Counts); diff != "" {
				t.Errorf("%s, counts (-want +got):\n%s", last, diff)
			}
			paths[0], paths[1] = paths[1], paths[0]
		}
	}
}

// A second run of a list finds no pass. The report still says revoked; earlier it said absent.
func TestAbsentConfirmsRevoked(t *testing.T) {
	any := func(r *results.Row) { r.AnyPass = true }
	none := func(r *results.Row) { r.AnyPass, r.Method = true, "" }
	unseen := func(r *results.Row) { r.Verified = false }
	for _, tt := range []struct {
		name          string
		first, second func(*results.Row)
		want          map[results.Outcome]int
		verified      int
	}{
		{"named passes", unseen, unseen, map[results.Outcome]int{results.Revoked: 3}, 0},
		{"named passes, verified later", unseen, func(r *results.Row) { r.Verified = true },
			map[results.Outcome]int{results.Revoked: 3}, 3},
		{"verified first", any, none, map[results.Outcome]int{results.Revoked: 3}, 3},
		{"any pass", func(r *results.Row) { any(r); unseen(r) }, none, map[results.Outcome]int{results.Revoked: 3}, 0},
	} {
		first, second := &logBuilder{now: night}, &logBuilder{now: night.Add(time.Hour)}
		first.run("a.csv", 3)
		second.run("a.csv", 3, "--results", "second.jsonl", "--verify")
		for line := range 3 {
			first.row("a.csv", line+2, results.Revoked, tt.first)
			second.row("a.csv", line+2, results.Absent, tt.second)
		}
		first.end(0, "")
		second.end(0, "")
		r := reportOf(t, second.write(t, "second.jsonl"), first.write(t, "first.jsonl"))
		if diff := cmp.Diff(tt.want, r.Counts); diff != "" {
			t.Errorf("%s: counts (-want +got):\n%s", tt.name, diff)
		}
		if r.Verified != tt.verified {
			t.Errorf("%s: %d are verified, want %d", tt.name, r.Verified, tt.verified)
		}
	}
	// In the opposite order the newest row counts.
	first, second := &logBuilder{now: night}, &logBuilder{now: night.Add(time.Hour)}
	first.run("a.csv", 1)
	first.row("a.csv", 2, results.Absent)
	first.end(0, "")
	second.run("a.csv", 1, "--results", "second.jsonl")
	second.row("a.csv", 2, results.Revoked)
	second.end(0, "")
	if r := reportOf(t, first.write(t, "first.jsonl"), second.write(t, "second.jsonl")); r.Counts[results.Revoked] != 1 {
		t.Errorf("revoked after absent: %v, want that the newest row counts", r.Counts)
	}
}

// Two runs at a time: which row is the newer one, no order of the logs can tell.
func TestRunsSideBySide(t *testing.T) {
	a, b := &logBuilder{now: night}, &logBuilder{now: night.Add(time.Second)}
	a.run("a.csv", 2)
	b.run("a.csv", 2, "--results", "b.jsonl")
	b.now, a.now = night.Add(time.Minute), night.Add(2*time.Minute)
	b.row("a.csv", 2, results.Revoked)
	a.row("a.csv", 2, results.Replaced)
	a.row("a.csv", 3, results.Revoked)
	b.later(time.Hour)
	b.row("a.csv", 3, results.NotSent) // that pass is gone for good, whoever was stopped
	a.end(1, "")
	b.end(4, "interrupt signal received")
	r := reportOf(t, a.write(t, "a.jsonl"), b.write(t, "b.jsonl"))
	if diff := cmp.Diff(map[results.Outcome]int{results.Replaced: 1, results.Revoked: 1}, r.Counts); diff != "" ||
		len(r.Resume) != 0 {
		t.Errorf("to go on %+v, counts (-want +got):\n%s", r.Resume, diff)
	}

	// A row that names no pass means one that the user was given meanwhile, too.
	any := func(r *results.Row) { r.AnyPass = true }
	a, b = &logBuilder{now: night}, &logBuilder{now: night.Add(time.Hour)}
	a.run("any.csv", 1)
	a.row("any.csv", 2, results.Revoked, any)
	a.end(0, "")
	b.run("any.csv", 1, "--results", "b.jsonl")
	b.row("any.csv", 2, results.NotSent, any)
	b.end(4, "interrupt signal received")
	if r := reportOf(t, a.write(t, "a.jsonl"), b.write(t, "b.jsonl")); r.Counts[results.NotSent] != 1 {
		t.Errorf("a run that was stopped before whatever pass there is: %v", r.Counts)
	}
}

// A copy of a log, put aside before the log was resumed, had its runs, waits and
// refusals counted twice, and which of the two counted was the order of their names.
func TestCopies(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 4)
	m.later(time.Second)
	m.wait(time.Second, 7)
	m.later(time.Second)
	m.row("a.csv", 2, results.Revoked)
	running := m.copy()
	m.row("a.csv", 3, results.NotSent)
	m.row("a.csv", 4, results.Denied)
	m.row("a.csv", 5, results.Denied)
	m.end(4, "interrupt signal received")
	saved := m.copy()
	m.later(time.Hour)
	m.run("a.csv", 4, "--resume")
	m.later(time.Second)
	m.row("a.csv", 3, results.Revoked)
	m.row("a.csv", 4, results.Denied)
	m.row("a.csv", 5, results.Denied)
	m.end(1, "")
	whole := m.write(t, "b.jsonl")
	want := reportOf(t, whole)

	paths := []string{whole, m.write(t, "c.jsonl"), saved.write(t, "a.jsonl"), running.write(t, "d.jsonl")}
	for range paths {
		paths = append(paths[1:], paths[0])
		for n := 2; n <= len(paths); n++ {
			var names strings.Builder
			var whole bool
			for _, p := range paths[:n] {
				names.WriteString(p[strings.LastIndex(p, "/")+1:] + " ")
				whole = whole || strings.HasSuffix(p, "b.jsonl") || strings.HasSuffix(p, "c.jsonl")
			}
			if !whole {
				continue
			}
			r := reportOf(t, paths[:n]...)
			if diff := cmp.Diff(want.Counts, r.Counts); diff != "" {
				t.Errorf("%s: counts (-want +got):\n%s", names.String(), diff)
			}
			if got, want := fmt.Sprint(len(r.Runs), r.Runs[0].ExitText(), r.Waits, r.PairsPerSecond, r.Progress, len(r.Resume),
				r.Resume[0].Left),
				fmt.Sprint(len(want.Runs), "4, stopped early", want.Waits, want.PairsPerSecond, want.Progress, 1,
					want.Resume[0].Left); got != want {
				t.Errorf("%s:\n%s, want\n%s", names.String(), got, want)
			}
			if notes := strings.Join(r.Notes(), "\n"); strings.Count(notes, "is a copy") != n-1 ||
				strings.Contains(notes, "killed") {
				t.Errorf("%s: notes %q", names.String(), notes)
			}
			if len(r.Logs) != n {
				t.Errorf("%s: %d logs", names.String(), len(r.Logs))
			}
		}
	}

	// One that differs was changed, and which of them no program can tell.
	changed := &logBuilder{}
	changed.Write(bytes.Replace(saved.Bytes(), []byte("denied"), []byte("absent"), 1))
	if l, err := OpenLogs(t.Context(), []string{whole, changed.write(t, "e.jsonl")}); err == nil ||
		!strings.Contains(err.Error(), "tell of one run and differ") {
		t.Errorf("a copy that was changed: %v", err)
		if err == nil {
			l.Close()
		}
	}
}

// A log whose list was a copy is about the pairs of the log that the copy is of.
func TestCopyAsList(t *testing.T) {
	m := &logBuilder{now: night}
	m.run("a.csv", 2)
	m.row("a.csv", 2, results.Revoked)
	m.row("a.csv", 3, results.Denied)
	m.end(1, "")
	saved := m.write(t, "saved.jsonl")
	m.later(time.Hour)
	m.run("a.csv", 2, "--resume")
	m.row("a.csv", 3, results.Denied)
	m.end(1, "")
	rest := &logBuilder{now: night.Add(2 * time.Hour)}
	rest.begin(1, "revoke", "--yes", saved)
	rest.row(saved, 3, results.Revoked)
	rest.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"), saved, rest.write(t, "rest.jsonl"))
	if diff := cmp.Diff(map[results.Outcome]int{results.Revoked: 2}, r.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// What a look had found, and a run on a copy of the log that is not among these, is one
// pass, too; and so is one that a proof is of.
func TestElsewhereOfALook(t *testing.T) {
	m := &logBuilder{now: night}
	m.begin(1, "revoke", "--yes", "--verify", "a.csv")
	m.row("a.csv", 2, results.Revoked, pending)
	m.row("a.csv", 2, results.Remains, instead("new6"))
	m.row("a.csv", 3, results.Revoked, notVerified)
	m.end(1, "")
	rest := &logBuilder{now: night.Add(time.Hour)}
	rest.begin(1, "revoke", "--yes", "copy.jsonl")
	rest.row("copy.jsonl", 3, results.Revoked, notVerified, aboutPass(userName(2), "new6"))
	rest.end(0, "")
	proof := &logBuilder{now: night.Add(2 * time.Hour)}
	proof.begin(2, "verify", "--results", "proof.jsonl", "gone.jsonl")
	proof.row("gone.jsonl", 2, results.Revoked, aboutPass(userName(2), "new6"))
	proof.row("gone.jsonl", 3, results.Revoked, aboutPass(userName(3), pass(3)))
	proof.row("gone.jsonl", 4, results.Absent, aboutPass(userName(4), pass(4))) // of whom nothing is known
	proof.end(0, "")
	r := reportOf(t, m.write(t, "a.jsonl"), rest.write(t, "rest.jsonl"), proof.write(t, "proof.jsonl"))
	if diff := cmp.Diff(map[results.Outcome]int{results.Revoked: 2, results.Absent: 1}, r.Counts); diff != "" ||
		r.Verified != 2 {
		t.Errorf("%d verified, counts (-want +got):\n%s", r.Verified, diff)
	}
}

// One pass on two lists was two pairs, and stayed to be done on the one when it had been
// deleted for the other.
func TestOnTwoLists(t *testing.T) {
	first := func(rows func(m *logBuilder)) *logBuilder {
		m := &logBuilder{now: night}
		m.run("suspects.csv", 1)
		rows(m)
		m.end(1, "")
		return m
	}
	second := func(rows func(m *logBuilder)) *logBuilder {
		m := &logBuilder{now: night.Add(time.Hour)}
		m.run("mallory.csv", 3, "--results", "second.jsonl")
		rows(m)
		m.end(1, "")
		return m
	}
	who := aboutPass("ANN@contoso.com", pass(1))
	tests := []struct {
		name          string
		first, second func(m *logBuilder)
		want          map[results.Outcome]int
	}{
		{"deleted for the second", func(m *logBuilder) { m.row("suspects.csv", 2, results.Denied, who) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.Revoked, aboutPass("ann@contoso.com", pass(1))) },
			map[results.Outcome]int{results.Revoked: 1}},
		{"deleted for the first", func(m *logBuilder) { m.row("suspects.csv", 2, results.Revoked, who) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.NotSent, who) },
			map[results.Outcome]int{results.Revoked: 1}},
		{"and not touched then", func(m *logBuilder) { m.row("suspects.csv", 2, results.Revoked, who) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.Protected, who) },
			map[results.Outcome]int{results.Revoked: 1}},
		{"by another name", func(m *logBuilder) {
			m.row("suspects.csv", 2, results.Denied, aboutPass("id-1", pass(1)),
				upn("ann@contoso.com"))
		}, func(m *logBuilder) { m.row("mallory.csv", 7, results.Revoked, who) },
			map[results.Outcome]int{results.Revoked: 1}},
		{"another pass", func(m *logBuilder) { m.row("suspects.csv", 2, results.Revoked, who) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.Denied, aboutPass("ann@contoso.com", pass(2))) },
			map[results.Outcome]int{results.Revoked: 1, results.Denied: 1}},
		{"no pass named", func(m *logBuilder) { m.row("suspects.csv", 2, results.Failed, aboutPass("ann@contoso.com", "")) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.Denied, aboutPass("ann@contoso.com", "")) },
			map[results.Outcome]int{results.Denied: 1}},
		{"twice on one list", func(m *logBuilder) { m.row("suspects.csv", 2, results.Revoked, who) }, func(m *logBuilder) {
			m.row("mallory.csv", 7, results.Absent, who)
			m.row("mallory.csv", 8, results.Duplicate, who)
		}, map[results.Outcome]int{results.Revoked: 1, results.Duplicate: 1}},
		{"swept since", func(m *logBuilder) { m.row("suspects.csv", 2, results.Denied, who) },
			func(m *logBuilder) { m.row(results.ScanSource, 0, results.Revoked, who) },
			map[results.Outcome]int{results.Revoked: 1}},
		{"found since", func(m *logBuilder) { m.row("suspects.csv", 2, results.Denied, who) },
			func(m *logBuilder) { m.row(results.ScanSource, 0, results.Found, who) },
			map[results.Outcome]int{results.Denied: 1}},
		{"swept before", func(m *logBuilder) { m.row(results.ScanSource, 0, results.Failed, who) },
			func(m *logBuilder) { m.row("mallory.csv", 7, results.Revoked, who) },
			map[results.Outcome]int{results.Revoked: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf(t, first(tt.first).write(t, "first.jsonl"), second(tt.second).write(t, "second.jsonl"))
			if diff := cmp.Diff(tt.want, r.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
		})
	}
}

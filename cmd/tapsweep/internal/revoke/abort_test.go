package revoke

import (
	"fmt"
	"slices"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

func TestAbort(t *testing.T) {
	denied := func(n int) []results.Outcome { return slices.Repeat([]results.Outcome{results.Denied}, n) }
	with := func(at int, o results.Outcome) []results.Outcome { return slices.Insert(denied(10), at, o) }
	type test struct {
		name string
		n    int
		rows []results.Outcome
		want int // which row aborts, counted from 1; 0 for none
	}
	tests := []test{
		{"all denied", 5, denied(10), 5},
		{"all denied, and too few", 11, denied(10), 0},
		{"the first", 1, denied(1), 1},
		{"never", 0, denied(10), 0},
		{"negative", -1, denied(10), 0},
		{"no row", 1, nil, 0},
		{"one revoked before", 5, with(0, results.Revoked), 0},
		{"one revoked just before", 5, with(4, results.Revoked), 0},
		{"one revoked after", 5, with(5, results.Revoked), 5},
		{"one repeated before", 5, with(0, results.Duplicate), 6},
		{"one invalid just before", 5, with(4, results.Invalid), 6},
	}
	for _, o := range []results.Outcome{"absent", "planned", "replaced", "unknown_user", "rejected"} {
		tests = append(tests, test{"one " + string(o), 5, with(1, o), 0})
	}
	for _, o := range []results.Outcome{"failed", "unknown", "not_sent"} {
		tests = append(tests, test{"one " + string(o), 5, with(1, o), 6})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, got := denials{limit: tt.n}, 0
			for i, o := range tt.rows {
				if !d.note(o, false) {
					continue
				}
				assert.That(t, got == 0, "note(%s) = true again in row %d", o, i+1)
				got = i + 1
			}
			assert.Same(t, fmt.Sprintf("row in which a limit of %d ends the run", tt.n), got, tt.want)
		})
	}
}

// A row that an earlier run was denied does not end the run. It still counts as denied.
func TestDeniedAgain(t *testing.T) {
	d := denials{limit: 2}
	assert.Same(t, "the first answer, denied again, ends the run", d.note(results.Denied, true), false)
	assert.Same(t, "one answer is denied", d.reached(), false)
	assert.Same(t, "the second answer, denied again, ends the run", d.note(results.Denied, true), false)
	assert.Same(t, "all answers are denied", d.reached(), true)
	d.note(results.Revoked, false)
	assert.Same(t, "all answers are denied after a delete", d.reached(), false)
}

package revoke

import (
	"slices"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
)

func TestAbort(t *testing.T) {
	denied := func(n int) []results.Outcome { return slices.Repeat([]results.Outcome{results.Denied}, n) }
	with := func(at int, o results.Outcome) []results.Outcome { return slices.Insert(denied(10), at, o) }
	tests := []struct {
		name string
		n    int
		rows []results.Outcome
		want int // which row aborts, counted from 1; 0 for none
	}{
		{"all denied", 5, denied(10), 5},
		{"all denied, and too few", 11, denied(10), 0},
		{"the first", 1, denied(1), 1},
		{"never", 0, denied(10), 0},
		{"negative", -1, denied(10), 0},
		{"no row", 1, nil, 0},
		{"one revoked before", 5, with(0, results.Revoked), 0},
		{"one revoked just before", 5, with(4, results.Revoked), 0},
		{"one revoked after", 5, with(5, results.Revoked), 5},
		{"one absent", 5, with(1, results.Absent), 0},
		{"one planned", 5, with(1, results.Planned), 0},
		{"one replaced", 5, with(1, results.Replaced), 0},
		{"one user unknown", 5, with(1, results.UnknownUser), 0},
		{"one rejected", 5, with(1, results.Rejected), 0},
		{"one failed", 5, with(1, results.Failed), 6},
		{"one without an answer", 5, with(1, results.Unknown), 6},
		{"one not sent", 5, with(1, results.NotSent), 6},
		{"one repeated", 5, with(0, results.Duplicate), 6},
		{"one invalid", 5, with(4, results.Invalid), 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, got := newAbort(tt.n), 0
			for i, o := range tt.rows {
				if !a.note(o) {
					continue
				}
				if got != 0 {
					t.Errorf("note(%s) = true again in row %d", o, i+1)
				}
				got = i + 1
			}
			if got != tt.want {
				t.Errorf("newAbort(%d) aborts in row %d, want %d", tt.n, got, tt.want)
			}
		})
	}
}

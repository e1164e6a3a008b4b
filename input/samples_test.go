package input

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const samples = "../testdata/lists"

func TestSamples(t *testing.T) {
	tests := []struct {
		name  string
		stats Stats
		lines []int
	}{
		{"excel-semicolon-utf16.csv", Stats{Rows: 4, Unique: 4, Users: 4, AnyPass: 1}, []int{2, 3, 5, 6}},
		{"powershell-type.csv", Stats{Rows: 5, Unique: 5, Users: 5, Named: 5}, []int{3, 4, 5, 6, 7}},
		{"graph-answer.json", Stats{Rows: 5, Unique: 5, Users: 5, AnyPass: 5, Named: 5}, []int{5, 10, 15, 25, 30}},
		{"array.json", Stats{Rows: 4, Unique: 3, Duplicates: 1, Users: 3, AnyPass: 1}, []int{2, 6, 17, 21}},
		{"lines.jsonl", Stats{Rows: 4, Unique: 4, Users: 4, AnyPass: 2, Named: 1}, []int{1, 2, 3, 4}},
		{"tabs.tsv", Stats{Rows: 4, Unique: 4, Users: 4, AnyPass: 1}, []int{2, 3, 4, 5}},
		{"bom.csv", Stats{Rows: 3, Unique: 3, Users: 3}, []int{2, 3, 4}},
		{"users-only.csv", Stats{Rows: 6, Unique: 5, Duplicates: 1, Users: 5, AnyPass: 5}, []int{2, 3, 4, 5, 6, 7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := open(t, Options{}, filepath.Join(samples, tt.name))
			if l.Stats() != tt.stats {
				t.Errorf("Stats() = %+v, want %+v", l.Stats(), tt.stats)
			}
			var lines []int
			for _, p := range all(t, l) {
				lines = append(lines, p.Line)
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadRowsSample(t *testing.T) {
	path := filepath.Join(samples, "bad-rows.csv")
	_, err := Open([]string{path}, Options{})
	problems, ok := errors.AsType[*Problems](err)
	if !ok {
		t.Fatalf("Open = %v, want *Problems", err)
	}
	var lines []int
	for _, e := range problems.Errs {
		lines = append(lines, e.Line)
	}
	if diff := cmp.Diff([]int{3, 4, 5, 6, 7, 8, 9, 10}, lines); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}

	l := open(t, Options{SkipInvalid: true}, path)
	check(t, "Stats()", l.Stats(), Stats{Rows: 10, Unique: 2, Invalid: 8, Users: 2, AnyPass: 1})
	for _, p := range all(t, l) {
		if bad := p.Line >= 3 && p.Line <= 10; bad != (p.Err != nil) {
			t.Errorf("line %d: Err = %v", p.Line, p.Err)
		}
	}
}

package run

import (
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// Only a run that nobody watches has a limit by default.
func TestMaxDeletes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		options  Options
		attended bool
		want     int
	}{
		{"nobody watches", Options{Guards: Guards{Yes: true, MaxItems: -1}}, false, 10_000},
		{"somebody watches", Options{Guards: Guards{Yes: true, MaxItems: -1}}, true, 0},
		{"somebody is asked", Options{Guards: Guards{MaxItems: -1}}, false, 0},
		{"nothing is deleted",
			Options{Guards: Guards{Yes: true, MaxItems: -1}, Header: results.Header{DryRun: true}}, false, 0},
		{"any number", Options{Guards: Guards{Yes: true, MaxItems: 0}}, false, 0},
		{"a limit", Options{Guards: Guards{Yes: true, MaxItems: 5}}, true, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Same(t, "passes that may be deleted", tt.options.maxDeletes(tt.attended), tt.want)
		})
	}
}

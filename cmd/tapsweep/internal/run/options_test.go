package run

import (
	"testing"

	"tapsweep/testdata/assert"
)

// Only a run that nobody watches has a bound by default.
func TestMaxDeletes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		guards   Guards
		attended bool
		want     int
	}{
		{"nobody watches", Guards{Yes: true, MaxItems: -1}, false, 10_000},
		{"somebody watches", Guards{Yes: true, MaxItems: -1}, true, 0},
		{"somebody is asked", Guards{MaxItems: -1}, false, 0},
		{"nothing is deleted", Guards{Yes: true, DryRun: true, MaxItems: -1}, false, 0},
		{"any number", Guards{Yes: true, MaxItems: 0}, false, 0},
		{"a bound", Guards{Yes: true, MaxItems: 5}, true, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Same(t, "passes that may be deleted", tt.guards.maxDeletes(tt.attended), tt.want)
		})
	}
}

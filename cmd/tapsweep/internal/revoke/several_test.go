package revoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const third = "9f0c11aa-1111-4222-8333-000000000003"

func holdsThree() graphsim.User { return holder("dana", passID, other, third) }

// anyOf is a pair of dana that names no pass.
var anyOf = input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com"}

// lasts returns the last row of each pass.
func lasts(rows []results.Row) map[string]results.Row {
	last := make(map[string]results.Row)
	for _, r := range rows {
		last[r.Method] = r
	}
	return last
}

// If a pair names no pass and its user has three, each pass has a last row. One of these rows counts for the pair.
func TestSeveralPasses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		verify time.Duration
		want   [3]results.Outcome
		left   int
	}{
		{name: "deleted", want: [3]results.Outcome{"revoked", "revoked", "revoked"}},
		{name: "deleted and verified", verify: time.Minute, want: [3]results.Outcome{"revoked", "revoked", "revoked"}},
		{name: "the second is denied", faults: []fault.Fault{{Method: "DELETE", Path: other,
			Do: fault.ItemStatus(403)}},
			want: [3]results.Outcome{"revoked", "denied", ""}, left: 2},
		{name: "the first fails each time, and is gone", faults: []fault.Fault{{Method: "DELETE", Path: passID,
			Do: fault.ItemStatus(500).AfterWork()}},
			want: [3]results.Outcome{"revoked", "revoked", "revoked"}},
		{name: "the first is answered late", faults: []fault.Fault{{Method: "DELETE", Path: passID, Attempt: 1,
			Do: fault.Reset().AfterWork()}},
			want: [3]results.Outcome{"revoked", "revoked", "revoked"}},
		{name: "the first vanishes", faults: []fault.Fault{{Method: "DELETE", Path: passID,
			Do: fault.ItemStatus(404).AfterWork()}},
			want: [3]results.Outcome{"absent", "revoked", "revoked"}},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{Faults: tt.faults}, holdsThree())
			r := run(t, tenant, Options{Verify: tt.verify}, anyOf)
			r.only(t)
			first := make(map[string]results.Row)
			for _, row := range slices.Backward(r.all) {
				first[row.Method] = row
			}
			for id, row := range first {
				assert.Same(t, "first row of "+id, row.Outcome, results.Found)
				assert.Same(t, "first row of "+id+" announces the delete", row.Provisional, true)
			}
			last := lasts(r.all)
			for i, id := range []string{passID, other, third} {
				assert.Same(t, "last row of "+id, last[id].Outcome, tt.want[i])
				assert.Same(t, "last row of "+id+" is provisional", last[id].Provisional, false)
			}
			assert.Same(t, "rows counted", r.counts.Total(), 1)
			assert.Same(t, "passes left", len(tenant.Remaining()), tt.left)
		}))
	}
}

// If a run is killed while it deletes several passes of a user, the run that resumes it deletes those that are left,
// and no row stays provisional.
func TestSeveralPassesKilled(t *testing.T) {
	for kept := range 7 {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(kept, lost), func(t *testing.T) { killedAmongSeveral(t, kept, lost) })
		}
	}
}

// killedAmongSeveral ends a run after a number of rows. Either the next row is lost, or nothing more is sent.
func killedAmongSeveral(t *testing.T, kept int, lost bool) {
	tenant := tenantOf(graphsim.Options{}, holdsThree())
	runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
	var rows []results.Row
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_ = New(runner, func(r *results.Row) error {
		if len(rows) == kept {
			return errors.New("killed")
		}
		if rows = append(rows, *r); len(rows) == kept && !lost {
			cancel()
		}
		return nil
	}, Options{}).Run(ctx, eachPair(anyOf))

	more := run(t, tenant, Options{Earlier: resumed(t, rows)}, anyOf)
	assert.OK(t, more.err, "Run")
	assert.Same(t, "passes left", len(tenant.Remaining()), 0)
	for id, row := range lasts(append(rows, more.all...)) {
		assert.Same(t, "last row of "+id+" is provisional", row.Provisional, false)
		assert.Same(t, "last row of "+id+" is done", row.Outcome.Done(), true)
	}
	if len(rows) == 6 {
		assert.Same(t, "rows after a run that was complete", len(more.all), 0)
	}
}

// resumed reads rows as the log of a run that was killed.
func resumed(t *testing.T, rows []results.Row) *results.ResumeState {
	t.Helper()
	return resumedBy(t, results.Header{}, rows)
}

// resumedBy is resumed for a run that verifies or revokes sessions.
func resumedBy(t *testing.T, run results.Header, rows []results.Row) *results.ResumeState {
	t.Helper()
	run.Type, run.Digest, run.Pairs = "run", "d", 1
	var log bytes.Buffer
	enc := json.NewEncoder(&log)
	_ = enc.Encode(run)
	for _, r := range rows {
		r.Type = "result"
		_ = enc.Encode(r)
	}
	path := filepath.Join(t.TempDir(), "r.jsonl")
	assert.OK(t, os.WriteFile(path, log.Bytes(), 0o600))
	l, earlier, err := results.Resume(path, &run, results.ResumeOptions{})
	assert.OK(t, err)
	assert.OK(t, l.Close())
	return earlier
}

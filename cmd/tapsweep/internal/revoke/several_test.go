package revoke

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

func holdsThree() graphsim.User {
	return graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{ID: passID}, {ID: other}, {ID: third}}}
}

// anyOf returns a pair that names no pass.
var anyOf = input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com"}

// allRows runs a job and returns each row as it was written.
func allRows(ctx context.Context, t *testing.T, poster batch.Poster, opts Options,
	src source) (rows []results.Row, counts Counts, err error) {
	t.Helper()
	runner, err := batch.NewRunner(poster, batch.Options{MaxAttempts: 3})
	assert.OK(t, err)
	job := New(runner, func(r *results.Row) error {
		rows = append(rows, *r)
		return nil
	}, opts)
	err = job.Run(ctx, itemsOf(src))
	return rows, job.Counts(), err
}

// lasts returns the last row of each pass.
func lasts(rows []results.Row) map[string]results.Row {
	last := make(map[string]results.Row)
	for _, r := range rows {
		last[r.Method] = r
	}
	return last
}

// If a row names no pass and its user has three, each pass gets a final row. One of them counts
// for the pair. Earlier, only the last pass had a row.
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
			tenant := graphsim.New(graphsim.Options{Faults: tt.faults})
			tenant.AddUser(holdsThree())
			rows, counts, err := allRows(t.Context(), t, tenant, Options{Verify: tt.verify}, pairs(anyOf))
			assert.OK(t, err, "Run")
			seen := make(map[string]bool)
			for _, r := range rows {
				announced := seen[r.Method] || r.Outcome == results.Found && r.Provisional
				assert.That(t, announced, "the first row of pass %s is %s, want one that announces the delete",
					r.Method, r.Outcome)
				seen[r.Method] = true
			}
			last := lasts(rows)
			for i, id := range []string{passID, other, third} {
				if r := last[id]; r.Outcome != tt.want[i] || r.Provisional {
					t.Errorf("pass %d: the last row says %q, pending %v, want %q and final", i+1, r.Outcome,
						r.Provisional, tt.want[i])
				}
			}
			settled := 0 // rows that count for the pair
			for _, r := range rows {
				if !r.Provisional && !r.Beside {
					settled++
				}
			}
			assert.That(t, settled == 1 && counts.Total() == 1,
				"%d rows settle the pair, %d are counted, want 1", settled, counts.Total())
			assert.Same(t, "passes left", len(tenant.Remaining()), tt.left)
		}))
	}
}

// Wherever a run is killed among several passes of a user, the next one on its log
// deletes those that are left, and no row stays pending.
func TestSeveralPassesKilled(t *testing.T) {
	for kept := range 7 {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(kept, lost), func(t *testing.T) { killedAmongSeveral(t, kept, lost) })
		}
	}
}

// killedAmongSeveral ends a run after the given number of rows, either with the next
// row lost or before anything more is sent.
func killedAmongSeveral(t *testing.T, kept int, lost bool) {
	tenant := graphsim.New(graphsim.Options{})
	tenant.AddUser(holdsThree())
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
	}, Options{}).Run(ctx, itemsOf(pairs(anyOf)))

	earlier := resumed(t, rows)
	more, _, err := allRows(t.Context(), t, tenant, resumeOptions(earlier), pairs(anyOf))
	assert.OK(t, err, "Run")
	assert.Same(t, "passes left", len(tenant.Remaining()), 0)
	for id, r := range lasts(append(rows, more...)) {
		assert.That(t, !r.Provisional && r.Outcome.Done(),
			"the last row of %s says %s, pending %v", id, r.Outcome, r.Provisional)
	}
	assert.That(t, len(rows) != 6 || len(more) == 0, "%d rows after a run that was complete", len(more))
}

// resumeOptions returns the Options of a run that resumes a log.
func resumeOptions(earlier *results.ResumeState) Options {
	return Options{Earlier: earlier}
}

// resumed reads rows as the log of a run that was killed.
func resumed(t *testing.T, rows []results.Row) *results.ResumeState {
	t.Helper()
	run := results.Run{Type: "run", Digest: "d", Pairs: 1}
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

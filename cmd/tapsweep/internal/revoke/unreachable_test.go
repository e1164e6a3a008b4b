package revoke

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// An unreachable is a tenant that batches with a method cannot reach.
type unreachable struct {
	*graphsim.Tenant
	method string
	lost   bool // the first batch arrives, and its answer is lost
	posts  *int
}

func (u unreachable) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	switch *u.posts++; {
	case u.lost && *u.posts == 1:
		u.Tenant.PostBatch(ctx, body)
		return batch.Reply{}, context.DeadlineExceeded
	case bytes.Contains(body, []byte(`"`+u.method+`"`)):
		return batch.Reply{}, fmt.Errorf("%w: connection refused", batch.ErrNotSent)
	}
	return u.Tenant.PostBatch(ctx, body)
}

// A run that loses the connection ends, and each row says what is known.
func TestUnreachable(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		lost         bool
		opts         Options
		want         results.Outcome
		message      string
	}{
		{"nothing is sent", "DELETE", false, Options{}, results.NotSent, "not sent: connection refused"},
		{"the list afterwards is not sent", "GET", false, Options{Verify: time.Minute}, results.Revoked,
			"not verified: not sent: connection refused"},
		{"the list of a dry run is not sent", "GET", false, Options{DryRun: true}, results.NotSent,
			"not sent: connection refused"},
		{"no further attempt is sent", "DELETE", true, Options{}, results.Unknown,
			"not sent again, the run stopped; before that: context deadline exceeded"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{}, holder("dana", passID))
			done := run(t, unreachable{tenant, tt.method, tt.lost, new(int)}, tt.opts, danasPair(passID))
			assert.Is(t, "Run", done.err, batch.ErrUnreachable)
			r := onlyRow(t, done.rows)
			assert.Same(t, "outcome", r.Outcome, tt.want)
			assert.Holds(t, "message", r.Message, tt.message)
			assert.Same(t, "nothing is left", done.counts.Left() == 0, tt.want.Done())
		}))
	}
}

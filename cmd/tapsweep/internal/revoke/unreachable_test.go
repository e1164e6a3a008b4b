package revoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// unreachable has no connection for batches of a method.
type unreachable struct {
	*graphsim.Tenant
	method string
	lost   bool // of the first batch only the answer is lost
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

// A run that finds no connection any more ends, and each row says what is known.
func TestUnreachable(t *testing.T) {
	tests := []struct {
		name, method string
		lost         bool
		opts         Options
		want         results.Outcome
		message      string
	}{
		{"nothing gets out", "DELETE", false, Options{}, results.NotSent, "not sent: connection refused"},
		{"the look afterwards does not get out", "GET", false, Options{Verify: time.Minute}, results.Revoked, "not verified: not sent: connection refused"},
		{"the look for a pass does not get out", "GET", false, Options{DryRun: true}, results.NotSent, "not sent: connection refused"},
		{"no further attempt gets out", "DELETE", true, Options{}, results.Unknown, "not sent again, the run stopped; before that: context deadline exceeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{})
				tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
				rows, counts, err := runJob(t.Context(), t, unreachable{tenant, tt.method, tt.lost, new(int)}, tt.opts,
					pairs(input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: pass}))
				if !errors.Is(err, batch.ErrUnreachable) || len(rows) != 1 || rows[0].Outcome != tt.want || !strings.Contains(rows[0].Message, tt.message) {
					t.Fatalf("Run = %v with %+v; want %s, %q", err, rows, tt.want, tt.message)
				}
				if (counts.Left() == 0) != tt.want.Done() {
					t.Errorf("%d left", counts.Left())
				}
			})
		})
	}
}

package revoke

import (
	"bytes"
	"context"
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

// What finds no connection to its last attempt was not stopped: it counts.
func TestUnreachable(t *testing.T) {
	tests := []struct {
		name, method string
		lost         bool
		opts         Options
		want         results.Outcome
		message      string
		unverified   int
	}{
		{"nothing gets out", "DELETE", false, Options{}, results.NotSent, "gave up after 3 attempts: not sent: connection refused", 0},
		{"the look afterwards does not get out", "GET", false, Options{Verify: time.Minute}, results.Revoked, "not verified: gave up after 3 attempts", 1},
		{"the look for a pass does not get out", "GET", false, Options{DryRun: true}, results.Failed, "gave up after 3 attempts", 0},
		{"no further attempt gets out", "DELETE", true, Options{}, results.Revoked, "gone, although the last attempt failed", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{})
				tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
				rows, counts, err := runJob(t.Context(), t, unreachable{tenant, tt.method, tt.lost, new(int)}, tt.opts,
					pairs(input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: pass}))
				if err != nil || len(rows) != 1 || rows[0].Outcome != tt.want || !strings.Contains(rows[0].Message, tt.message) {
					t.Fatalf("Run = %v with %+v; want %s, %q", err, rows, tt.want, tt.message)
				}
				if done := tt.want.Done() && tt.unverified == 0; counts.Unverified != tt.unverified || (counts.Left() == 0) != done {
					t.Errorf("%d left, %d unverified", counts.Left(), counts.Unverified)
				}
			})
		})
	}
}

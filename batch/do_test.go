package batch_test

import (
	"context"
	"testing"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/testdata/assert"
)

// do runs one request against a tenant with one user.
func do(ctx context.Context, t *testing.T, faults ...fault.Fault) (batch.Result, error) {
	t.Helper()
	tenant := graphsim.New(graphsim.Options{Faults: faults})
	user := tenant.AddUsers(1)[0]
	runner := assert.Must(batch.NewRunner(tenant, batch.Options{MaxAttempts: 2}))
	return runner.Do(ctx, listOf(user.UPN))
}

func TestDo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stop   bool // before the request is sent
		faults []fault.Fault
		status int
		want   error
	}{
		{"the final answer is a success", false, nil, 200, nil},
		{"the final answer is a refusal", false, []fault.Fault{{Do: fault.ItemStatus(403)}}, 403, nil},
		{"no attempt succeeds", false, []fault.Fault{{Do: fault.ItemStatus(500)}}, 500, batch.ErrAttempts},
		{"the token is refused", false, []fault.Fault{{Do: fault.ItemStatus(401)}}, 401, batch.ErrUnauthorized},
		{"the context has ended", true, nil, 0, context.Canceled},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if tt.stop {
				stop()
			}
			res, err := do(ctx, t, tt.faults...)
			checkErr(t, "Do", err, tt.want)
			check(t, "status", res.Response.Status, tt.status)
		}))
	}
}

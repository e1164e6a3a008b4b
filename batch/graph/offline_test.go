package graph_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// offlineError says that the authority cannot be reached.
type offlineError struct{ error }

func (offlineError) Is(target error) bool { return target == batch.ErrNotSent }

// away is a credential whose authority cannot be reached when down says so.
type away struct {
	life  time.Duration // of a token
	issue func(...string) string
	down  func() bool
	takes time.Duration // until that is known
}

func (a *away) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if a.down() {
		select {
		case <-ctx.Done():
		case <-time.After(a.takes):
		}
		return azcore.AccessToken{}, offlineError{errors.New("dial tcp: i/o timeout")}
	}
	return azcore.AccessToken{Token: a.issue(), ExpiresOn: time.Now().Add(a.life)}, nil
}

// If Graph can be reached and the authority cannot, the run waits for a token, whether the old one
// expired or was refused, and however long each attempt takes.
func TestAuthorityAway(t *testing.T) {
	refused := []fault.Fault{{Batch: 16, Do: fault.ItemStatus(401)}}
	const short, long, end = 10 * time.Minute, time.Hour, 20 * time.Minute
	for _, tt := range []struct {
		name   string
		faults []fault.Fault
		life   time.Duration // of a token
		from   time.Duration // when the authority goes away, until end
		takes  time.Duration // until an attempt fails
		stall  time.Duration
		want   error
	}{
		{"a token that expires", nil, short, 3 * time.Minute, 0, 0, nil},
		{"a token that expires, slowly", nil, short, 3 * time.Minute, 30 * time.Second, 0, nil},
		{"a token that expires, for too long", nil, short, 3 * time.Minute, 30 * time.Second, 5 * time.Minute,
			batch.ErrUnreachable},
		{"a token that is refused", refused, long, time.Second, time.Second, 0, nil},
		{"a token that is refused, for too long", refused, long, time.Second, time.Second, 5 * time.Minute,
			batch.ErrUnreachable},
	} {
		for _, concurrency := range []int{1, 8} {
			t.Run(tt.name, inBubble(func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Latency: time.Second, Faults: tt.faults,
					Limits: []*quota.Limit{quota.Bucket(2, 40)}})
				users := tenant.AddUsers(2000)
				start := time.Now()
				down := func() bool { return time.Since(start) >= tt.from && time.Since(start) < end }
				client := newClient(t, &away{life: tt.life, takes: tt.takes, issue: tenant.Entra.Token, down: down},
					graph.Options{Transport: tenant})
				runner := newRunner(t, client, batch.Options{Concurrency: concurrency, StallTimeout: tt.stall,
					Reauthorize: client.Reauthorize})
				done, settled := 0, 0
				err := runner.Run(t.Context(), deletes(users), func(r batch.Result) []batch.Request {
					if settled++; r.Err == nil {
						done++
					}
					return nil
				})
				assert.Is(t, "Run", err, tt.want)
				assert.Same(t, "a lack of access", errors.Is(err, batch.ErrUnauthorized), false)
				assert.Same(t, "results", settled, len(users))
				assert.Same(t, "all done", done == len(users), tt.want == nil)
			}))
		}
	}
}

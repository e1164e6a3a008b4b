package graph_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
)

// offlineError says that the authority cannot be reached.
type offlineError struct{ error }

func (offlineError) Is(target error) bool { return target == batch.ErrNotSent }

// away is a credential whose authority cannot be reached for a while.
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

// inProcess posts to the tenant without a socket, whose time would not be the bubble's.
type inProcess struct{ tenant *graphsim.Tenant }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	reply, err := p.tenant.PostBatch(r.Context(), body)
	if err != nil {
		return nil, err
	}
	header := reply.Header.Clone()
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(bytes.NewReader(reply.Body)), Request: r}, nil
}

// Graph is there and the authority is not: the run waits for a token, whether the old one
// ended or was refused, and however long each try takes.
func TestAuthorityAway(t *testing.T) {
	refused := []fault.Fault{{Path: "user0300@", Times: 1, Do: fault.ItemStatus(401)}}
	tests := []struct {
		name       string
		faults     []fault.Fault
		life       time.Duration // of a token
		from, to   time.Duration // when the authority is away
		takes      time.Duration
		stall      time.Duration
		want, more error
	}{
		{"a token that ends", nil, 10 * time.Minute, 3 * time.Minute, 20 * time.Minute, 0, 0, nil, nil},
		{"a token that ends, slowly", nil, 10 * time.Minute, 3 * time.Minute, 20 * time.Minute, 30 * time.Second, 0, nil, nil},
		{"a token that ends, for too long", nil, 10 * time.Minute, 3 * time.Minute, 20 * time.Minute, 30 * time.Second, 5 * time.Minute, batch.ErrUnreachable, batch.ErrNotSent},
		{"a token that is refused", refused, time.Hour, time.Second, 20 * time.Minute, time.Second, 0, nil, nil},
		{"a token that is refused, for too long", refused, time.Hour, time.Second, 20 * time.Minute, time.Second, 5 * time.Minute, batch.ErrUnreachable, batch.ErrNotSent},
	}
	for _, tt := range tests {
		for _, concurrency := range []int{1, 8} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tenant := graphsim.New(graphsim.Options{Latency: time.Second, Faults: tt.faults, Limits: []*quota.Limit{quota.Bucket(8, 40)}})
					users := tenant.AddUsers(8000)
					start := time.Now()
					client, err := graph.New(&away{life: tt.life, takes: tt.takes, issue: tenant.Entra.Token, down: func() bool {
						at := time.Since(start)
						return at >= tt.from && at < tt.to
					}}, graph.Options{Transport: inProcess{tenant}})
					if err != nil {
						t.Fatal(err)
					}
					runner, err := batch.NewRunner(client, batch.Options{Concurrency: concurrency, StallTimeout: tt.stall, Reauthorize: client.Reauthorize})
					if err != nil {
						t.Fatal(err)
					}
					done, settled := 0, 0
					err = runner.Run(t.Context(), func(yield func(batch.Request) bool) {
						for _, u := range users {
							if !yield(batch.Request{Method: "DELETE", URL: "/users/" + u.UPN + "/authentication/temporaryAccessPassMethods/" + u.Passes[0].ID, Key: u.ID}) {
								return
							}
						}
					}, func(r batch.Result) []batch.Request {
						if settled++; r.Err == nil {
							done++
						}
						return nil
					})
					if !errors.Is(err, tt.want) || !errors.Is(err, tt.more) || errors.Is(err, batch.ErrUnauthorized) || settled != 8000 || (done == 8000) != (tt.want == nil) {
						t.Errorf("Run = %v, want %v; %d done of %d, after %v", err, tt.want, done, settled, time.Since(start))
					}
				})
			})
		}
	}
}

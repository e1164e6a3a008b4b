package batch_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

var paceReal = flag.Bool("pace-real", false, "measure the pace in real time over sockets")

// httpPoster posts batches over HTTP/2 and TLS.
type httpPoster struct {
	client     *http.Client
	url, token string

	mu   sync.Mutex
	took []time.Duration // by each batch
}

func (p *httpPoster) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", p.url+"/v1.0/$batch", bytes.NewReader(body))
	if err != nil {
		return batch.Reply{}, err
	}
	start := time.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := p.client.Do(req)
	if err != nil {
		return batch.Reply{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	p.mu.Lock()
	p.took = append(p.took, time.Since(start))
	p.mu.Unlock()
	if err != nil {
		return batch.Reply{}, err
	}
	return batch.NewReply(resp.StatusCode, resp.Header, answer)
}

// TestPaceRealTime prints how long 1,000 deletes take against limits of which it is also
// known how long they take in virtual time. It is a measurement, run by make bench-pace-real.
// What it counts as early are batches that crossed an answer: they were let go before it was
// read, and came to the server after it was written.
func TestPaceRealTime(t *testing.T) {
	if !*paceReal {
		t.Skip("run by make bench-pace-real")
	}
	const n = 1000
	for _, s := range []shape{
		bucketShape(40, 80), windowShape(60, time.Second), windowShape(200, 8*time.Second),
	} {
		for _, counted := range []bool{false, true} {
			for _, spread := range []time.Duration{0, 20 * time.Millisecond} {
				t.Run(fmt.Sprintf("%s, charged %v, spread %v", s.name, counted, spread), func(t *testing.T) {
					t.Parallel()
					limit := s.limit()
					limit.CountRefused = counted
					tenant := graphsim.New(graphsim.Options{
						Latency: 50 * time.Millisecond, Spread: spread, Limits: []*quota.Limit{limit},
					})
					users := tenant.AddUsers(n)
					server := assert.Must(tenant.Start())
					defer server.Close()
					poster := &httpPoster{client: server.Client(), url: server.URL, token: tenant.Entra.Token()}
					start := time.Now()
					runAll(t, poster, batch.Options{}, deletes(users))
					took, stats := time.Since(start).Seconds(), tenant.Stats()
					slices.Sort(poster.took)
					t.Logf("ratio %.2f, %.1f %% refused, %d early, %.1f s; a batch took %v, one in ten %v or more",
						s.ideal(n)/took, 100*float64(stats.Refused)/float64(stats.Requests), stats.SentTooEarly, took,
						poster.took[len(poster.took)/2].Round(time.Millisecond),
						poster.took[len(poster.took)*9/10].Round(time.Millisecond))
				})
			}
		}
	}
}

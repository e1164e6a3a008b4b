package revoke

import (
	"context"
	"fmt"
	"io"
	"testing"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// instant answers each batch at once with what a tenant said to a full one.
type instant batch.Reply

func (r instant) PostBatch(context.Context, []byte) (batch.Reply, error) { return batch.Reply(r), nil }

// All that a pair costs us: request, batch, answer, row. An operation is a pair.
func BenchmarkPipeline(b *testing.B) {
	tenant := graphsim.New(graphsim.Options{})
	body := []byte(`{"requests":[`)
	for i, u := range tenant.AddUsers(batch.MaxRequests) {
		body = fmt.Appendf(body, `{"id":"%d","method":"DELETE","url":"%s"},`, i+1, passes.PassURL(u.UPN, u.Passes[0].ID))
	}
	body = append(body[:len(body)-1], "]}"...)
	reply, err := tenant.PostBatch(b.Context(), body)
	if err != nil || tenant.Stats().Deleted != batch.MaxRequests {
		b.Fatalf("the tenant deleted %d: %v", tenant.Stats().Deleted, err)
	}
	runner, err := batch.NewRunner(instant(reply), batch.Options{Concurrency: 16})
	if err != nil {
		b.Fatal(err)
	}
	list := make([]input.Pair, 4096)
	for i := range list {
		list[i] = input.Pair{Line: i + 2, Source: "list.csv", User: fmt.Sprintf("user%06d@contoso.com", i), Method: pass}
	}
	log := results.Stream(io.Discard)
	b.ReportAllocs()
	b.ResetTimer()
	// One run of all pairs, because its beginning and end are not what is asked.
	counts, err := New(runner, func(row *results.Row) error { return log.Write(row) }, Options{}).
		Run(b.Context(), func(yield func(input.Pair, error) bool) {
			for i := range b.N {
				if !yield(list[i%len(list)], nil) {
					return
				}
			}
		})
	b.StopTimer()
	if err != nil || counts.Outcomes[results.Revoked] != b.N {
		b.Fatalf("%v: %v", counts.Outcomes, err)
	}
	if err := log.Close(); err != nil {
		b.Fatal(err)
	}
}

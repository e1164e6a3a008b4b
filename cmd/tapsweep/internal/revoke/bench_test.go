package revoke

import (
	"context"
	"fmt"
	"io"
	"testing"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// An instant answers each batch at once, with the answer of a tenant to a full batch.
type instant batch.Reply

func (r instant) PostBatch(context.Context, []byte) (batch.Reply, error) { return batch.Reply(r), nil }

// BenchmarkPipeline measures what a pair costs: request, batch, answer and row. An operation is a
// pair.
func BenchmarkPipeline(b *testing.B) {
	tenant := graphsim.New(graphsim.Options{})
	body := []byte(`{"requests":[`)
	for i, u := range tenant.AddUsers(batch.MaxRequests) {
		body = fmt.Appendf(body, `{"id":"%d","method":"DELETE","url":"%s"},`, i+1,
			pass.PassURL(u.UPN, u.Passes[0].ID))
	}
	body = append(body[:len(body)-1], "]}"...)
	reply, err := tenant.PostBatch(b.Context(), body)
	assert.OK(b, err)
	assert.Same(b, "passes deleted", tenant.Stats().Deleted, batch.MaxRequests)
	runner, err := batch.NewRunner(instant(reply), batch.Options{Concurrency: 16})
	assert.OK(b, err)
	list := make([]input.Pair, 4096)
	for i := range list {
		list[i] = input.Pair{Line: i + 2, Source: "list.csv", User: fmt.Sprintf("user%06d@contoso.com", i),
			Method: passID}
	}
	log := results.Stream(io.Discard)
	b.ReportAllocs()
	b.ResetTimer()
	// All pairs are in one run, because the beginning and end of a run are not measured.
	job := New(runner, func(row *results.Row) error { return log.Write(row) }, Options{})
	err = job.Run(b.Context(), func(yield func(Item, error) bool) {
		for i := range b.N {
			if !yield(Item{Pair: list[i%len(list)]}, nil) {
				return
			}
		}
	})
	b.StopTimer()
	assert.OK(b, err)
	if n := job.Counts().Outcomes[results.Revoked]; n != b.N {
		b.Fatalf("%d passes were revoked, want %d", n, b.N)
	}
	assert.OK(b, log.Close())
}

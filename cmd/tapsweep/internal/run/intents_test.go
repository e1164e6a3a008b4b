package run

import (
	"context"
	"errors"
	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"testing"
)

// posted counts batches.
type posted int

func (p *posted) PostBatch(context.Context, []byte) (batch.Reply, error) {
	*p++
	return batch.Reply{}, nil
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// No pass is deleted that is not on record.
func TestNothingDeletedOffTheRecord(t *testing.T) {
	const del, get = `{"requests":[{"id":"1","method":"DELETE","url":"/x"}]}`, `{"requests":[{"id":"1","method":"GET","url":"/x?\"method\":\"DELETE\""}]}`
	var n posted
	var stopped error
	r := &run{log: results.Stream(fullDisk{}), stop: func(err error) { stopped = err }}
	p := intentPoster{&n, r}
	if _, err := p.PostBatch(t.Context(), []byte(del)); err != nil || n != 1 {
		t.Errorf("PostBatch = %v, with nothing to put on record", err)
	}
	if err := r.log.Write(&results.Row{Outcome: results.Found, Pending: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PostBatch(t.Context(), []byte(get)); err != nil || n != 2 {
		t.Errorf("PostBatch = %v of what only reads", err)
	}
	if _, err := p.PostBatch(t.Context(), []byte(del)); !errors.Is(err, batch.ErrNotSent) || n != 2 || stopped == nil {
		t.Errorf("PostBatch = %v, %d posted, stopped by %v", err, n, stopped)
	}
}

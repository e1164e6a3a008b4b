package main

import (
	"bytes"
	"context"
	"fmt"

	"tapsweep/batch"
)

// onRecord posts no delete of a pass before it is on disk which pass that is, where no
// list tells: a sweep that is killed, or whose machine loses power, has a row for each
// pass that went. It waits here and not where the pass is found, since a batch waits on
// its own: the scan goes on meanwhile, and all batches that wait share an fsync.
type onRecord struct {
	batch.Poster
	run *runOf
}

// deletes is in the body of each batch with a delete, and in no other: in what stands
// between quotes JSON has no bare quote.
var deletes = []byte(`"method":"DELETE"`)

func (p onRecord) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	if log := p.run.log; log != nil && bytes.Contains(body, deletes) {
		if err := log.SyncAhead(); err != nil {
			p.run.stop(err) // the log takes nothing more, so no delete may go
			return batch.Reply{}, fmt.Errorf("%w: %w", batch.ErrNotSent, err)
		}
	}
	return p.Poster.PostBatch(ctx, body)
}

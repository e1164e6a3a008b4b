package run

import (
	"bytes"
	"context"
	"fmt"

	"tapsweep/batch"
)

// An intentPoster syncs the log before it posts a batch with a DELETE whose pass no list names, so
// that a killed run always leaves a row for it. It waits here, and not where the pass is found,
// because a batch waits on its own: the scan goes on meanwhile, and all batches that wait share an
// fsync.
type intentPoster struct {
	batch.Poster
	run *run
}

// deletes is in the body of each batch with a delete, and in no other: in what stands
// between quotes JSON has no bare quote.
var deletes = []byte(`"method":"DELETE"`)

func (p intentPoster) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	if log := p.run.log; log != nil && bytes.Contains(body, deletes) {
		if err := log.SyncAhead(); err != nil {
			p.run.stop(err) // the log takes nothing more, so no delete may go
			return batch.Reply{}, fmt.Errorf("%w: %w", batch.ErrNotSent, err)
		}
	}
	return p.Poster.PostBatch(ctx, body)
}

package graphsim

import (
	"context"
	"fmt"
	"io"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/internal/wire"
)

var _ batch.Poster = (*Tenant)(nil)

// maxBody is the size of the largest request body that the tenant reads, in bytes.
const maxBody = 4 << 20

// PostBatch takes one batch body for v1.0, without a socket and without a token. It may
// do what Options.Roles allow. It starts no goroutine, and returns when ctx ends, with an
// error that wraps ctx.Err(). It is then unknown whether the requests were carried out,
// as with a real connection.
func (t *Tenant) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	var out wire.Response
	deliver := func(r *wire.Response) {
		if r.Err == nil && r.Slow > 0 {
			r.Err = wait(ctx, r.Slow)
		}
		if r.Err == nil && r.Cut {
			r.Err = io.ErrUnexpectedEOF
		}
		out = *r
	}
	if len(body) > maxBody {
		out = t.tooLarge()
	} else {
		t.exchangeBatch(ctx, body, wire.PublicRoot+"/v1.0", t.self, deliver)
	}
	if out.Err != nil {
		return batch.Reply{}, fmt.Errorf("posting the batch: %w", out.Err)
	}
	return batch.NewReply(out.Status, out.Header, out.Body)
}

func (t *Tenant) tooLarge() wire.Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byItself(t.fail(&call{}, 413, "RequestEntityTooLarge", "The request is larger than 4 MB."))
}

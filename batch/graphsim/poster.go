package graphsim

import (
	"context"
	"fmt"
	"io"

	"tapsweep/batch"
)

var _ batch.Poster = (*Tenant)(nil)

// maxBody is the largest request body the tenant reads, in bytes.
const maxBody = 4 << 20

// publicRoot is what absolute URLs begin with when a request has no host.
const publicRoot = "https://graph.microsoft.com"

// PostBatch takes one batch body for v1.0, without a socket and without a token;
// it may do what Options.Roles allow. It starts no goroutine and returns when ctx
// ends, with an error that wraps ctx.Err(). As with a real connection it is then
// unknown whether the requests were carried out.
func (t *Tenant) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	var out wire
	deliver := func(w *wire) {
		if w.err == nil && w.slow > 0 {
			w.err = wait(ctx, w.slow)
		}
		if w.err == nil && w.cut {
			w.err = io.ErrUnexpectedEOF
		}
		out = *w
	}
	if len(body) > maxBody {
		out = t.tooLarge()
	} else {
		t.post(ctx, body, publicRoot+"/v1.0", &t.self, deliver)
	}
	if out.err != nil {
		return batch.Reply{}, fmt.Errorf("posting the batch: %w", out.err)
	}
	return batch.NewReply(out.status, out.header, out.body)
}

func (t *Tenant) tooLarge() wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outer(t.fail(&call{}, 413, "RequestEntityTooLarge", "The request is larger than 4 MB."))
}

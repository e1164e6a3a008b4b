package scan

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

// An unreachable is a tenant that batches with a text cannot reach.
type unreachable struct {
	*graphsim.Tenant
	text string
}

func (u unreachable) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	if bytes.Contains(body, []byte(u.text)) {
		return batch.Reply{}, fmt.Errorf("%w: connection refused", batch.ErrNotSent)
	}
	return u.Tenant.PostBatch(ctx, body)
}

// A scan without a connection ends with an error, and users who were not scanned have no row.
func TestUnreachable(t *testing.T) {
	for name, text := range map[string]string{"the first page": "/users?$select", "the next page": "$skiptoken",
		"the passes": "/authentication/"} {
		t.Run(name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{})
			tenant.AddUsers(3000)
			s := look(t, unreachable{tenant, text}, Options{All: true})
			assert.Is(t, "the scan", s.err, batch.ErrUnreachable)
			assert.Holds(t, "the error", s.err.Error(), "connection refused")
			assert.Same(t, "failed", s.Failed.Count, 0)
			if name == "the passes" {
				assert.Same(t, "users scanned", s.Users, 0)
				assert.That(t, s.NotSeen > listAhead, "%d users were not scanned", s.NotSeen)
			}
		}))
	}
}

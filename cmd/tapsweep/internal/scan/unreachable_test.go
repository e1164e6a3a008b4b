package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/testdata/assert"
)

// unreachable has no connection for batches that hold text.
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

// Once a scan that could not read its first page had found nothing, and was content.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"/users?$select", "$skiptoken"} {
			tenant := graphsim.New(graphsim.Options{Roles: permitted})
			tenant.AddUsers(2500)
			_, _, counts, err := look(t, unreachable{tenant, text}, Options{All: true}, batch.Options{})
			assert.That(t, errors.Is(err, batch.ErrUnreachable) && strings.Contains(err.Error(), "connection refused"),
				"no %s: Run = %v, %+v", text, err, counts)
		}
		tenant := graphsim.New(graphsim.Options{Roles: permitted})
		tenant.AddUsers(3000)
		_, failed, counts, err := look(t, unreachable{tenant, "/authentication/"}, Options{All: true}, batch.Options{})
		if !errors.Is(err, batch.ErrUnreachable) || len(failed) != 0 || counts.Failed != 0 ||
			counts.NotSeen <= listAhead ||
			counts.Users != 0 {
			t.Errorf("Run = %v with %d users that failed, %d seen, %d not", err, counts.Failed, counts.Users,
				counts.NotSeen)
		}
	})
}

package scan

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
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

// No connection to the last attempt is not the end of a run, which would say so
// itself: once a scan that could not read its first page had found nothing, and was
// content.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, text := range []string{"/users?$select", "$skiptoken"} {
			tenant := graphsim.New(graphsim.Options{Roles: permitted})
			tenant.Populate(2500)
			_, _, counts, err := look(t, unreachable{tenant, text}, Options{All: true}, batch.Options{})
			if err == nil || !strings.Contains(err.Error(), "reading the users of the tenant: gave up after 6 attempts: not sent: connection refused") {
				t.Errorf("no %s: Run = %v, %+v", text, err, counts)
			}
		}
		tenant := graphsim.New(graphsim.Options{Roles: permitted})
		tenant.Populate(3000)
		_, failed, counts, err := look(t, unreachable{tenant, "/authentication/"}, Options{All: true}, batch.Options{})
		if err != nil || len(failed) != 3000 || counts.Failed != 3000 || counts.NotSeen != 0 {
			t.Errorf("Run = %v with %d users that failed, %d not seen", err, counts.Failed, counts.NotSeen)
		}
	})
}

package revoke

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// delegated posts to the tenant with a user's token.
type delegated struct {
	tenant *graphsim.Tenant
	token  string
}

func (d delegated) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://graph.microsoft.com/v1.0/$batch",
		bytes.NewReader(body))
	if err != nil {
		return batch.Reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := d.tenant.RoundTrip(req)
	if err != nil {
		return batch.Reply{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return batch.Reply{}, err
	}
	return batch.NewReply(resp.StatusCode, resp.Header, answer)
}

// Graph loses one of two writes for one user in a batch, whatever names they use. So rows of "me"
// and rows of the same user by id or name are never in one batch.
func TestOneUserOfThreeNames(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	me := graphsim.User{ID: "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", UPN: "dana@contoso.com"}
	var list []input.Pair
	for i, name := range []string{input.Me, "Dana@contoso.com", "5D1C2B7E-0A4F-4C1D-9B63-2F7A1E90C311", input.Me,
		me.UPN, me.ID} {
		id := fmt.Sprintf("9f0c11aa-1111-4222-8333-00000000000%d", i)
		me.Passes = append(me.Passes, graphsim.Pass{ID: id})
		list = append(list, input.Pair{Line: i + 2, User: name, Method: id})
	}
	tenant.AddUser(me)
	poster := delegated{tenant, tenant.Entra.UserToken(me.ID, "UserAuthMethod-TAP.ReadWrite.All")}
	rows, _, err := runJob(t.Context(), t, poster, Options{Self: []string{me.ID, me.UPN}}, pairs(list...))
	assert.OK(t, err, "Run")
	assert.Same(t, "rows", len(rows), len(list))
	for _, row := range rows {
		assert.Same(t, "outcome of "+row.User, row.Outcome, results.Revoked)
	}
	assert.Same(t, "lost writes", tenant.Stats().LostWrites, 0)
	assert.Same(t, "overlapping writes", tenant.Stats().OverlappingWrites, 0)
	assert.Same(t, "passes left", len(tenant.Remaining()), 0)
}

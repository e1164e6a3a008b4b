package auth

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch"
	"tapsweep/batch/graph"
)

// Pin returns a credential whose tokens are all of the tenant and the user or app of
// the first one. A long run asks for many, and what somebody else writes into a file,
// or what a tool is signed in to, may have become another tenant's in between.
func Pin(c azcore.TokenCredential) azcore.TokenCredential { return &pinned{next: c} }

type pinned struct {
	next azcore.TokenCredential

	mu             sync.Mutex
	tenant, object string // empty where they are not known
}

func (p *pinned) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := p.next.GetToken(ctx, opts)
	if err != nil {
		return token, err
	}
	claims, err := graph.ParseClaims(token.Token)
	if err != nil {
		return token, nil // it is Graph's to read
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pin := range []struct {
		what string
		held *string
		got  string
	}{{"tenant", &p.tenant, claims.Tenant}, {"user or app", &p.object, claims.Object}} {
		switch {
		case pin.got == "":
		case *pin.held == "":
			*pin.held = pin.got
		case !strings.EqualFold(*pin.held, pin.got):
			return azcore.AccessToken{}, fmt.Errorf("the new access token is of the %s %s, and the one before was of %s",
				pin.what, batch.Printable(pin.got), batch.Printable(*pin.held))
		}
	}
	return token, nil
}

package auth

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/jwt"
)

// Pin returns a credential that refuses a token if its tenant, user or app differs from the first token. A long run
// needs many tokens. Meanwhile somebody may write another token into the token file, or sign in to another tenant
// with the command-line tool.
//
// If the authority cannot be reached after the first token, the error is batch.ErrNotSent, so that a run waits for the
// connection.
func Pin(c *Credential) azcore.TokenCredential { return &pinned{next: c} }

type pinned struct {
	next *Credential

	mu             sync.Mutex
	had            bool   // there was a first token
	tenant, object string // the tenant and the object ID of the first token, empty if unknown
}

func (p *pinned) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if p.next.transport != nil {
		p.next.transport.lastFailure.Store(nil)
	}
	token, err := p.next.GetToken(ctx, opts)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		if cut := p.next.Unreached(); p.had && cut != nil {
			err = &graph.OfflineError{Err: cut}
		}
		return token, err
	}
	p.had = true
	safetext.Conceal(token.Token)
	claims, err := jwt.Parse(token.Token)
	if err != nil {
		return token, nil // only Graph must understand it
	}
	for _, pin := range []struct {
		what string
		held *string
		got  string
	}{{"tenant", &p.tenant, claims.TenantID}, {"user or app", &p.object, claims.ObjectID}} {
		switch {
		case pin.got == "":
		case *pin.held == "":
			*pin.held = pin.got
		case !strings.EqualFold(*pin.held, pin.got):
			return azcore.AccessToken{}, fmt.Errorf(
				"the new access token is of the %s %s, and the one before was of %s",
				pin.what, safetext.Printable(pin.got), safetext.Printable(*pin.held))
		}
	}
	return token, nil
}

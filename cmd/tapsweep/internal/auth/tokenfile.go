package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/cmd/tapsweep/internal/jwt"
)

// unknownLife is the assumed lifetime of a token without an expiry time. Access tokens are valid for an hour or more,
// so the file is read again long before they expire.
// Source: learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes.
const unknownLife = 10 * time.Minute

// tokenFile is a file with an access token that another program renews. It is read each time a token is requested: when
// the token of the client is about to expire.
type tokenFile struct{ path string }

func (f *tokenFile) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := readSecretFile(f.path)
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("--token-file %s: %w", f.path, err)
	}
	ends := time.Now().Add(unknownLife)
	if claims, err := jwt.Parse(token); err == nil && claims.Expires > 0 {
		ends = time.Unix(claims.Expires, 0)
	}
	if !time.Now().Before(ends) {
		return azcore.AccessToken{}, fmt.Errorf("--token-file %s: the token in it expired at %s: write a new one",
			f.path, ends.UTC().Format(time.RFC3339))
	}
	return azcore.AccessToken{Token: token, ExpiresOn: ends}, nil
}

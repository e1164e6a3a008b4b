package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/microsoft/kiota-abstractions-go/authentication"

	"tapsweep/batch"
)

// refreshAhead is how long before its end a token is replaced. It is longer
// than a post may take, so that no token ends while it is on its way.
const refreshAhead = 5 * time.Minute

// hurry bounds the wait for a new token while the old one is still good, and is
// how long a failed attempt is not repeated.
const hurry = 15 * time.Second

// tokenSource keeps one token for all posts. It is needed because some of
// azidentity's credentials (the command line tools) start a process for each
// call, and because the header must go to one origin only.
type tokenSource struct {
	credential azcore.TokenCredential
	scope      string
	origin     *url.URL

	mu      sync.Mutex
	held    azcore.AccessToken
	retryAt time.Time // when to try again to replace a token that is still good
	renewal *renewal  // the one under way, nil if none is
}

// A renewal is for all who wait for it, whichever way it ends.
type renewal struct {
	over chan struct{}
	err  error
}

func newTokenSource(credential azcore.TokenCredential, scope string, origin *url.URL) *tokenSource {
	return &tokenSource{credential: credential, scope: scope, origin: origin}
}

// token returns the token in use, or a new one if that is near its end. Only one
// caller at a time gets a new one; the others go on with the old one while it is
// good, so that a slow token endpoint holds up nobody.
func (s *tokenSource) token(ctx context.Context) (azcore.AccessToken, error) {
	for {
		s.mu.Lock()
		held, under := s.held, s.renewal
		now := time.Now()
		good := held.Token != "" && now.Add(time.Minute).Before(held.ExpiresOn)
		if good && (under != nil || now.Before(s.retryAt) || !due(held, now)) {
			s.mu.Unlock()
			return held, nil
		}
		if under == nil {
			s.renewal = &renewal{over: make(chan struct{})}
			s.mu.Unlock()
			if good {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, hurry)
				defer cancel()
			}
			fresh, err := s.get(ctx, "")
			s.replace(fresh, err)
			if err != nil && good {
				return held, nil
			}
			return fresh, err
		}
		s.mu.Unlock()
		select {
		case <-under.over:
			if under.err != nil {
				return held, under.err
			}
		case <-ctx.Done():
			err := context.Cause(ctx)
			if held.Token != "" {
				err = &offlineError{err} // there was a token before, so the credential works
			}
			return held, err
		}
	}
}

func due(t azcore.AccessToken, now time.Time) bool {
	return !now.Before(t.ExpiresOn.Add(-refreshAhead)) || !t.RefreshOn.IsZero() && !now.Before(t.RefreshOn)
}

// replace ends a renewal.
func (s *tokenSource) replace(fresh azcore.AccessToken, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.held = fresh
	} else {
		s.retryAt = time.Now().Add(hurry)
	}
	if s.renewal != nil {
		s.renewal.err = err
		close(s.renewal.over)
		s.renewal = nil
	}
}

func (s *tokenSource) get(ctx context.Context, claims string) (azcore.AccessToken, error) {
	return s.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.scope}, Claims: claims, EnableCAE: true})
}

// GetAuthorizationToken implements kiota's AccessTokenProvider. The token goes
// to the configured origin and nowhere else.
func (s *tokenSource) GetAuthorizationToken(ctx context.Context, u *url.URL, _ map[string]any) (string, error) {
	if u.Scheme != s.origin.Scheme || u.Host != s.origin.Host {
		return "", fmt.Errorf("refusing to send the token to %s://%s instead of %s", u.Scheme, u.Host, s.origin)
	}
	t, err := s.token(ctx)
	return t.Token, err
}

// GetAllowedHostsValidator implements kiota's AccessTokenProvider.
func (s *tokenSource) GetAllowedHostsValidator() *authentication.AllowedHostsValidator {
	v, err := authentication.NewAllowedHostsValidatorErrorCheck([]string{s.origin.Hostname()})
	if err != nil {
		panic(err) // it refuses only names with a scheme, and this one was parsed
	}
	return v
}

// renew gets a token that replaces the refused one.
func (s *tokenSource) renew(ctx context.Context, refused *batch.StatusError) error {
	claims, challenged := challengeClaims(refused)
	if !challenged {
		// Without claims azidentity would answer with the same token out of its
		// cache. Asking for one that is not valid before now is what Entra's own
		// challenges ask for.
		claims = fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix())
	}
	fresh, err := s.get(ctx, claims)
	if err != nil && !challenged {
		// The command line tools refuse all claims, and keep their own cache. Any
		// other credential answers with the token that was refused, out of its
		// cache, and what it said first is why.
		s.mu.Lock()
		held := s.held.Token
		s.mu.Unlock()
		if again, againErr := s.get(ctx, ""); againErr == nil && again.Token != held {
			fresh, err = again, nil
		}
	}
	s.replace(fresh, err)
	return err
}

// claimsParam finds the claims of a challenge. A split at commas, as kiota does
// it, breaks on quoted values that hold one.
var claimsParam = regexp.MustCompile(`(?i)\bclaims="([A-Za-z0-9+/_=-]+)"`)

// challengeClaims returns the claims of a continuous access evaluation
// challenge, which are base64 in either alphabet.
// Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
func challengeClaims(refused *batch.StatusError) (string, bool) {
	if refused == nil {
		return "", false
	}
	for _, challenge := range refused.Header.Values("WWW-Authenticate") {
		m := claimsParam.FindStringSubmatch(challenge)
		if m == nil {
			continue
		}
		text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(m[1], "="))
		claims, err := base64.RawStdEncoding.DecodeString(text)
		if err == nil && json.Valid(claims) {
			return string(claims), true
		}
	}
	return "", false
}

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

const (
	// refreshAhead is how long before its end a token is replaced. It is longer
	// than a post may take, so that no token ends while it is on its way.
	refreshAhead = 5 * time.Minute

	// earlyRenewTimeout bounds the wait for a new token while the old one is still valid, and
	// the time until a failed attempt is repeated.
	earlyRenewTimeout = 15 * time.Second
)

// tokenSource keeps one token for all posts, because some of azidentity's credentials (the
// command line tools) start a process for each call. It gives the token to one origin only.
type tokenSource struct {
	credential azcore.TokenCredential
	scope      string
	origin     *url.URL

	mu      sync.Mutex
	held    azcore.AccessToken
	retryAt time.Time // when to try again to replace a token that is still good
	renewal *renewal  // the one in progress, nil if none is
}

// A renewal is one request for a new token, for all callers that wait for one.
type renewal struct {
	done chan struct{}
	err  error
}

// token returns the token in use, or a new one if that is near its end. Only one
// caller at a time gets a new one. The others use the old one while it is valid, so
// that they need not wait for a slow token endpoint.
func (s *tokenSource) token(ctx context.Context) (azcore.AccessToken, error) {
	for {
		s.mu.Lock()
		held, current := s.held, s.renewal
		now := time.Now()
		valid := held.Token != "" && now.Add(time.Minute).Before(held.ExpiresOn)
		if valid && (current != nil || now.Before(s.retryAt) || !needsRenewal(held, now)) {
			s.mu.Unlock()
			return held, nil
		}
		if current == nil {
			s.renewal = &renewal{done: make(chan struct{})}
			s.mu.Unlock()
			if valid {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, earlyRenewTimeout)
				defer cancel()
			}
			fresh, err := s.get(ctx, "")
			s.replace(fresh, err)
			if err != nil && valid {
				return held, nil
			}
			return fresh, err
		}
		s.mu.Unlock()
		select {
		case <-current.done:
			if current.err != nil {
				return held, current.err
			}
		case <-ctx.Done():
			err := context.Cause(ctx)
			if held.Token != "" {
				err = &OfflineError{err} // there was a token before, so the credential works
			}
			return held, err
		}
	}
}

func needsRenewal(t azcore.AccessToken, now time.Time) bool {
	return !now.Before(t.ExpiresOn.Add(-refreshAhead)) || !t.RefreshOn.IsZero() && !now.Before(t.RefreshOn)
}

// replace ends a renewal.
func (s *tokenSource) replace(fresh azcore.AccessToken, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.held = fresh
	} else {
		s.retryAt = time.Now().Add(earlyRenewTimeout)
	}
	if s.renewal != nil {
		s.renewal.err = err
		close(s.renewal.done)
		s.renewal = nil
	}
}

func (s *tokenSource) get(ctx context.Context, claims string) (azcore.AccessToken, error) {
	opts := policy.TokenRequestOptions{Scopes: []string{s.scope}, Claims: claims, EnableCAE: true}
	return s.credential.GetToken(ctx, opts)
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
		panic(err) // it rejects only names with a scheme, and this one was parsed
	}
	return v
}

// renew gets a token that replaces the refused one.
func (s *tokenSource) renew(ctx context.Context, refused *batch.StatusError) error {
	claims, challenged := challengeClaims(refused)
	if !challenged {
		// Without claims azidentity would return the same token from its cache.
		// Entra's own challenges ask for a token that is not valid before now.
		claims = fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix())
	}
	fresh, err := s.get(ctx, claims)
	if err != nil && !challenged {
		// The command line tools refuse all claims, and have a cache of their own. Any
		// other credential returns the refused token from its cache; its first error
		// says why.
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

// claimsParam finds the claims of a challenge. Splitting the header at commas, as kiota
// does, breaks quoted values that contain one.
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

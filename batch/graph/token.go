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
	// refreshAhead is how long before its expiry a token is replaced. It is longer than a post may take, so that no
	// token expires during a post.
	refreshAhead = 5 * time.Minute

	// earlyRenewTimeout limits the wait for a new token while the old one is still valid, and the time until a failed
	// attempt is repeated.
	earlyRenewTimeout = 15 * time.Second
)

// tokenSource keeps one token for all posts, because some credentials of azidentity (the command-line tools) start a
// process for each call. It returns the token only for one origin.
type tokenSource struct {
	credential azcore.TokenCredential
	scope      string
	origin     *url.URL

	mu      sync.Mutex
	held    azcore.AccessToken
	retryAt time.Time // when to try again to replace a token that is still valid
	renewal *renewal  // the renewal in progress, nil if there is none
}

// A renewal is one request for a new token. All callers wait for the same renewal.
type renewal struct {
	refused bool // it replaces a token that Graph refused
	early   bool // it ends after earlyRenewTimeout, because the old token was valid when it began
	done    chan struct{}
	err     error
}

// token returns the current token, or a new one if it expires soon. Only one caller at a time requests a new token. The
// others use the old token while it is valid, so that they do not wait for a slow token endpoint.
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
			mine := s.begin(&renewal{early: valid})
			s.mu.Unlock()
			limited := ctx
			if valid {
				var cancel context.CancelFunc
				limited, cancel = context.WithTimeout(ctx, earlyRenewTimeout)
				defer cancel()
			}
			fresh, err := s.get(limited, "")
			switch counts := s.end(mine, fresh, err); {
			case !counts:
				continue
			case err != nil && valid:
				return held, nil
			}
			return fresh, err
		}
		s.mu.Unlock()
		select {
		case <-current.done:
			if current.err != nil && !current.early { // a request for a token may take longer than an early one
				return held, current.err
			}
		case <-ctx.Done():
			err := context.Cause(ctx)
			if held.Token != "" {
				err = &OfflineError{err} // the credential works, because there was a token before
			}
			return held, err
		}
	}
}

func needsRenewal(t azcore.AccessToken, now time.Time) bool {
	return !now.Before(t.ExpiresOn.Add(-refreshAhead)) || !t.RefreshOn.IsZero() && !now.Before(t.RefreshOn)
}

// begin begins a renewal. The caller holds mu.
func (s *tokenSource) begin(r *renewal) *renewal {
	r.done = make(chan struct{})
	s.renewal = r
	return r
}

// end ends a renewal and reports whether its result counts. It does not count if Graph has refused a token since the
// renewal began. Graph may also refuse the new one, because it was requested without claims.
func (s *tokenSource) end(r *renewal, fresh azcore.AccessToken, err error) (counts bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(r.done)
	current := s.renewal == r
	if !current && !r.refused {
		return false
	}
	if err == nil {
		s.held = fresh
	} else {
		s.retryAt = time.Now().Add(earlyRenewTimeout)
	}
	if r.err = err; current {
		s.renewal = nil
	}
	return true
}

func (s *tokenSource) get(ctx context.Context, claims string) (azcore.AccessToken, error) {
	opts := policy.TokenRequestOptions{Scopes: []string{s.scope}, Claims: claims, EnableCAE: true}
	return s.credential.GetToken(ctx, opts)
}

// GetAuthorizationToken implements AccessTokenProvider of kiota. It returns the token only for the configured origin.
func (s *tokenSource) GetAuthorizationToken(ctx context.Context, u *url.URL, _ map[string]any) (string, error) {
	if u.Scheme != s.origin.Scheme || u.Host != s.origin.Host {
		return "", fmt.Errorf("refusing to send the token to %s://%s instead of %s", u.Scheme, u.Host, s.origin)
	}
	t, err := s.token(ctx)
	return t.Token, err
}

// GetAllowedHostsValidator implements AccessTokenProvider of kiota.
func (s *tokenSource) GetAllowedHostsValidator() *authentication.AllowedHostsValidator {
	v, err := authentication.NewAllowedHostsValidatorErrorCheck([]string{s.origin.Hostname()})
	if err != nil {
		panic(err) // the validator rejects only names with a scheme, and this name has none
	}
	return v
}

// renew gets a token that replaces the refused one.
func (s *tokenSource) renew(ctx context.Context, refused *batch.StatusError) error {
	claims, challenged := challengeClaims(refused)
	if !challenged {
		// Without claims, azidentity would return the same token from its cache. The challenges of Entra also ask for a
		// token that is not valid before now.
		claims = fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix())
	}
	s.mu.Lock()
	held, mine := s.held.Token, s.begin(&renewal{refused: true})
	s.mu.Unlock()
	fresh, err := s.get(ctx, claims)
	if err != nil && !challenged {
		// The command line tools refuse all claims, and have a cache of their own. Any
		// other credential returns the refused token from its cache; its first error
		// says why.
		if again, againErr := s.get(ctx, ""); againErr == nil && again.Token != held {
			fresh, err = again, nil
		}
	}
	s.end(mine, fresh, err)
	return err
}

// claimsParam finds the claims of a challenge. To split the header at commas, as kiota does, would break quoted values
// that contain a comma.
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

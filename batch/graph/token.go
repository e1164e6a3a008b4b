package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/microsoft/kiota-abstractions-go/authentication"

	"tapsweep/batch"
)

// refreshAhead is how long before its end a token is replaced. It is longer
// than a post may take, so that no token ends while it is on its way.
const refreshAhead = 5 * time.Minute

// tokenSource keeps one token for all posts. It is needed because some of
// azidentity's credentials (the command line tools) start a process for each
// call, and because the header must go to one origin only.
type tokenSource struct {
	credential azcore.TokenCredential
	scope      string
	origin     *url.URL

	// slot holds the token, and is empty while someone gets a new one; a
	// channel rather than a mutex so that waiting ends with the context.
	slot chan azcore.AccessToken
}

func newTokenSource(credential azcore.TokenCredential, scope string, origin *url.URL) *tokenSource {
	s := &tokenSource{credential: credential, scope: scope, origin: origin, slot: make(chan azcore.AccessToken, 1)}
	s.slot <- azcore.AccessToken{}
	return s
}

// token returns the token in use, or a new one if that is near its end or
// claims are given, which azidentity's own caches let through.
func (s *tokenSource) token(ctx context.Context, claims string) (azcore.AccessToken, error) {
	var held azcore.AccessToken
	select {
	case held = <-s.slot:
	case <-ctx.Done():
		return held, context.Cause(ctx)
	}
	defer func() { s.slot <- held }()
	now := time.Now()
	due := held.ExpiresOn.Add(-refreshAhead)
	if !held.RefreshOn.IsZero() && held.RefreshOn.Before(due) {
		due = held.RefreshOn
	}
	if claims == "" && held.Token != "" && now.Before(due) {
		return held, nil
	}
	fresh, err := s.credential.GetToken(ctx, policy.TokenRequestOptions{
		Scopes:    []string{s.scope},
		Claims:    claims,
		EnableCAE: true,
	})
	if err != nil {
		if claims == "" && now.Before(held.ExpiresOn) {
			return held, nil // still good; the next post asks again
		}
		return azcore.AccessToken{}, err
	}
	held = fresh
	return held, nil
}

// GetAuthorizationToken implements kiota's AccessTokenProvider. The token goes
// to the configured origin and nowhere else.
func (s *tokenSource) GetAuthorizationToken(ctx context.Context, u *url.URL, _ map[string]any) (string, error) {
	if u.Scheme != s.origin.Scheme || u.Host != s.origin.Host {
		return "", fmt.Errorf("refusing to send the token to %s://%s instead of %s", u.Scheme, u.Host, s.origin)
	}
	t, err := s.token(ctx, "")
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
	claims, ok := challengeClaims(refused)
	if !ok {
		// Without claims azidentity would answer with the same token out of its
		// cache. Asking for one that is not valid before now is what Entra's own
		// challenges ask for.
		claims = fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, time.Now().Unix())
	}
	_, err := s.token(ctx, claims)
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

// Claims are the parts of an access token that tell whose it is. Microsoft may
// change or encrypt the tokens at any time, so they serve for display and for
// advice, never for a decision about security.
// Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
type Claims struct {
	Tenant string   `json:"tid"`
	AppID  string   `json:"appid"`
	App    string   `json:"app_displayname"`
	User   string   `json:"upn"`
	Roles  []string `json:"roles"`
	Scopes string   `json:"scp"`
}

// ParseClaims reads an access token without checking its signature.
func ParseClaims(token string) (Claims, error) {
	var c Claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the access token cannot be read: it is not three parts with dots between")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errors.New("the access token cannot be read: its claims are not base64")
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, errors.New("the access token cannot be read: its claims are not JSON")
	}
	return c, nil
}

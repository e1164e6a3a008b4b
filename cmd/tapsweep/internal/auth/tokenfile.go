package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/jwt"
)

// unknownLife is the assumed life of a token without an end. Access tokens last an hour or
// more, so the file is read again well before.
// Source: learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes.
const unknownLife = 10 * time.Minute

// tokenFile is a file with an access token that another program renews. It holds the token
// itself or the JSON of az account get-access-token. It is read for each request for a token.
// A client asks when its token is about to end.
type tokenFile struct {
	path string

	mu   sync.Mutex
	last string
}

func (f *tokenFile) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := readToken(ctx, f.path)
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("--token-file %s: %w", f.path, err)
	}
	ends := time.Now().Add(unknownLife)
	if claims, err := jwt.Parse(token); err == nil && claims.Expires > 0 {
		ends = time.Unix(claims.Expires, 0)
	}
	f.mu.Lock()
	same := f.last == token
	f.last = token
	f.mu.Unlock()
	switch {
	case !time.Now().Before(ends):
		return azcore.AccessToken{}, fmt.Errorf("--token-file %s: the token in it ended at %s: write a new one",
			f.path, ends.UTC().Format(time.RFC3339))
	case opts.Claims != "" && same:
		// A client asks with claims after Graph refused its token.
		return azcore.AccessToken{},
			fmt.Errorf("--token-file %s: Graph refuses the token in it: write a new one", f.path)
	}
	return azcore.AccessToken{Token: token, ExpiresOn: ends}, nil
}

func readToken(ctx context.Context, path string) (string, error) {
	data, err := readFile(ctx, path)
	if err != nil {
		return "", err
	}
	text, err := decodeText(data)
	if err != nil {
		return "", err
	}
	text = trim(text)
	if strings.HasPrefix(text, "{") {
		var answer struct {
			Token string `json:"accessToken"`
		}
		if json.Unmarshal([]byte(text), &answer) != nil || answer.Token == "" {
			return "", errors.New("its JSON has no accessToken")
		}
		text = answer.Token
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "Bearer "))
	safetext.Conceal(text)
	switch {
	case text == "":
		return "", errors.New("it is empty")
	case quoted(text):
		return "", errors.New("it begins and ends with quotes: " +
			"remove them (az prints the token without quotes with --output tsv)")
	case assignment.MatchString(text):
		return "", errors.New("it holds a name before the token, as in NAME=value: write only the token")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("it holds something else than an access token")
	}
	return text, nil
}

package auth

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// series returns one token after the other.
type series struct{ tokens []string }

func (s *series) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token := s.tokens[0]
	s.tokens = s.tokens[1:]
	return azcore.AccessToken{Token: token}, nil
}

// A run does not continue in another tenant or in another name.
func TestPin(t *testing.T) {
	sim := graphsim.New(graphsim.Options{})
	other := graphsim.New(graphsim.Options{Entra: entra.Options{TenantID: "11111111-3b7d-4e88-9a41-d5c27be0f913"}})
	users := sim.AddUsers(2)
	app, dana, lee := sim.Entra.Token(), sim.Entra.UserToken(users[0].ID, "x"), sim.Entra.UserToken(users[1].ID, "x")
	for _, tt := range []struct {
		name   string
		tokens []string
		want   string // of the last
	}{
		{"the same app", []string{app, sim.Entra.Token()}, ""},
		{"another tenant", []string{app, other.Entra.Token()}, "is of the tenant 11111111-"},
		{"another user", []string{dana, lee}, "is of the user or app " + users[1].ID},
		{"one between that cannot be read", []string{dana, "opaque", lee}, "is of the user or app"},
		{"none that can be read", []string{"opaque", "opaque"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Pin(&Credential{TokenCredential: &series{tt.tokens}})
			var err error
			for i := range tt.tokens {
				assert.OK(t, err, i)
				_, err = c.GetToken(t.Context(), policy.TokenRequestOptions{})
			}
			assert.Says(t, "GetToken", err, tt.want)
		})
	}
	checkMasked(t, "credential", app)
}

// An authority that gave a token before, and cannot be reached now, is offline. An authority that
// answers is not.
func TestPinOffline(t *testing.T) {
	down := errors.New("network is unreachable")
	for _, tt := range []struct {
		name, secret string
		first, then  error // of the network, at the first token and afterwards
		hasToken     bool  // the first
		offline      bool
	}{
		{"no network", entra.DefaultSecret, nil, down, true, true},
		{"no network from the start", entra.DefaultSecret, down, down, false, false},
		{"the wrong secret", "wrong", nil, nil, false, false},
	} {
		synctest.Test(t, func(t *testing.T) { // azidentity tries again
			net := &network{hosts: map[string]http.RoundTripper{"login.example": graphsim.New(graphsim.Options{})}}
			pinned := Pin(withSecret(tt.secret, net))
			net.down = tt.first
			_, err := ask(t, pinned, scope)
			assert.That(t, (err == nil) == tt.hasToken, "%s: the first token: %v", tt.name, err)
			net.down = tt.then
			_, err = pinned.GetToken(t.Context(), fresh)
			checkOffline(t, tt.name+": GetToken", err, tt.offline)
		})
	}
}

// A tool whose user signed out does not count as a missing connection.
func TestPinToolSignedOut(t *testing.T) {
	dir := t.TempDir()
	script := `#!/bin/sh
if [ -e ` + dir + `/used ]; then echo "ERROR: Please run 'az login' to setup account." >&2; exit 1; fi
touch ` + dir + `/used
echo '{"accessToken":"opaque","expiresOn":"2099-01-01 00:00:00.000000","expires_on":4070908800}'
`
	assert.OK(t, os.WriteFile(filepath.Join(dir, "az"), []byte(script), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	pinned := Pin(mustNew(t, Options{Method: "azure-cli"}))
	opts := policy.TokenRequestOptions{Scopes: []string{scope}}
	assert.Must(pinned.GetToken(t.Context(), opts))
	_, err := pinned.GetToken(t.Context(), opts)
	assert.Says(t, "GetToken", err, "az login")
	checkOffline(t, "GetToken", err, false)
}

package auth

import (
	"context"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"tapsweep/batch/graphsim"
)

// series hands out one token after the other.
type series struct{ tokens []string }

func (s *series) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token := s.tokens[0]
	s.tokens = s.tokens[1:]
	return azcore.AccessToken{Token: token}, nil
}

// A run that began in one tenant, in somebody's name, does not go on in another.
func TestPin(t *testing.T) {
	sim, other := graphsim.New(graphsim.Options{}), graphsim.New(graphsim.Options{TenantID: "11111111-3b7d-4e88-9a41-d5c27be0f913"})
	users := sim.Populate(2)
	app, dana, lee := sim.Token(), sim.UserToken(users[0].ID, "x"), sim.UserToken(users[1].ID, "x")
	for _, tt := range []struct {
		name   string
		tokens []string
		want   string // of the last
	}{
		{"the same app", []string{app, sim.Token()}, ""},
		{"another tenant", []string{app, other.Token()}, "is of the tenant 11111111-"},
		{"another user", []string{dana, lee}, "is of the user or app " + users[1].ID},
		{"one between that cannot be read", []string{dana, "opaque", lee}, "is of the user or app"},
		{"none that can be read", []string{"opaque", "opaque"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Pin(&series{tt.tokens})
			var err error
			for i := range tt.tokens {
				if err != nil {
					t.Fatalf("token %d: %v", i, err)
				}
				_, err = c.GetToken(t.Context(), policy.TokenRequestOptions{})
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("GetToken = %v, want %q", err, tt.want)
			}
		})
	}
}

package auth

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/testdata/assert"
)

// strict is a store without a token until somebody signs in.
type strict struct{ signedIn bool }

func (s *strict) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if !s.signedIn {
		return azcore.AccessToken{}, &azidentity.AuthenticationRequiredError{}
	}
	return azcore.AccessToken{Token: "t"}, nil
}

func (s *strict) Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error) {
	s.signedIn = true
	return azidentity.AuthenticationRecord{}, nil
}

// A person hears that the browser opens, and nothing once the sign-in is done.
func TestPersonIsAsked(t *testing.T) {
	var said []string
	p := &interactive{silent: new(strict), before: "a browser opens", say: func(s string) { said = append(said, s) }}
	for range 2 {
		assert.Must(p.GetToken(t.Context(), policy.TokenRequestOptions{}))
	}
	assert.Equal(t, "the person is told", said, []string{"a browser opens"})
}

// The cached account is used, unless the person has to sign in again.
func TestSignInAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.json")
	record := `{"authority":"login.example","clientId":"c","homeAccountId":"h","tenantId":"t",` +
		`"username":"dana@contoso.com","version":"1.0"}`
	assert.OK(t, os.WriteFile(path, []byte(record), 0o600))
	assert.Same(t, "the cached account", (&Options{}).known(path).Username, "dana@contoso.com")
	assert.Same(t, "with --sign-in-again the cached account", (&Options{ForceSignIn: true}).known(path),
		(azidentity.AuthenticationRecord{}))
}

// A message of the authority cannot control the terminal.
func TestPromptIsPrintable(t *testing.T) {
	clean(t)
	tenant := graphsim.New(graphsim.Options{})
	tenant.Entra.WillSignIn(entra.SignIn{User: tenant.AddUsers(1)[0].ID})
	o := entraOptions(tenant, "device-code")
	o.HTTP = &http.Client{Transport: spiked{tenant}}
	said := ""
	o.Prompt = func(text string) { said = text }
	assert.Must(signIn(t, o))
	assert.Lacks(t, "the message", said, "\x1b", "\n")
	assert.Holds(t, "the message", said, `\x1b[2J use a web browser`, "enter the code")
}

// spiked adds a control sequence and a line end to the message for the person.
type spiked struct{ next http.RoundTripper }

func (s spiked) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/devicecode") {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	text := strings.Replace(string(body), "use a web browser", `\u001b[2J\nuse a web browser`, 1)
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return resp, err
}

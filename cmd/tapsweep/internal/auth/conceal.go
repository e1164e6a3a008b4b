package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tapsweep/batch/safetext"
)

// concealed holds the fields of a token request whose values are as sensitive as the
// credential.
var concealed = []string{"client_secret", "client_assertion", "assertion", "refresh_token", "code", "code_verifier",
	"device_code", "password"}

// conceal registers the secrets in a request with safetext.Conceal, so that they are never
// shown.
func conceal(req *http.Request) error {
	for _, name := range []string{"X-Identity-Header", "Secret"} {
		safetext.Conceal(req.Header.Get(name))
	}
	if _, proof, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		safetext.Conceal(proof)
	}
	if req.Body == nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	body, err := io.ReadAll(req.Body) // the body is a form that azidentity already has in memory
	if err != nil {
		return fmt.Errorf("reading the token request: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Errorf("reading the token request: %w", err)
	}
	for _, name := range concealed {
		safetext.Conceal(form[name]...)
	}
	return nil
}

// concealTokens registers the tokens in an answer with safetext.Conceal.
func concealTokens(body []byte) {
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if json.Unmarshal(body, &answer) == nil {
		safetext.Conceal(answer.Access, answer.Refresh, answer.ID)
	}
}

// concealEnvironment registers the secrets in azidentity's variables with safetext.Conceal.
func (o *Options) concealEnvironment() {
	for _, name := range []string{"AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD",
		"IDENTITY_HEADER", "MSI_SECRET"} {
		safetext.Conceal(o.getenv(name))
	}
}

// Package tenant resolves the options about signing in to a target, and connects to it: it gets an access
// token and checks that the token is for the wanted tenant.
package tenant

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Options are the options about the tenant and how to sign in.
type Options struct {
	Auth        string // one of auth.Methods; if empty, the files below decide
	Tenant      string // ID or domain
	ClientID    string
	Certificate string // the name of a file
	SecretFile  string
	TokenFile   string
	ForceSignIn bool // a person signs in even if the token cache has a sign-in

	Cloud      string // one of cloud.Names; empty means global
	GraphURL   string // empty means the root URL of the cloud
	APIVersion string

	// Getenv returns an environment variable: one of azidentity, of a proxy or of certificate authorities.
	Getenv func(name string) string

	Version string                           // the version of tapsweep, for the user agent
	Say     func(format string, args ...any) // shows a message to a person
}

// A Target is a resolved endpoint and credential. Resolving sends nothing.
type Target struct {
	// Stall is how long to wait during an outage of the authority. 0 means not at all.
	Stall time.Duration

	// Waiting reports the wait during an outage. Nil reports nothing.
	Waiting func(format string, args ...any)

	endpoint   *cloud.Endpoint
	credential *auth.Credential
	opts       Options
	roots      *x509.CertPool // nil means those of the system
}

// Resolve returns the endpoint and the credential that the options select. It sends nothing. If only the
// credential is missing, it returns an error and a Target without a credential.
func Resolve(opts Options) (*Target, error) {
	endpoint, err := cloud.Config{Cloud: opts.Cloud, Root: strings.TrimSuffix(opts.GraphURL, "/"),
		Authority: opts.Getenv("AZURE_AUTHORITY_HOST"), Version: opts.APIVersion}.Resolve()
	if err != nil {
		return nil, status.Refuse(err)
	}
	if _, err := graph.ParseRoot(endpoint.Root); err != nil {
		return nil, status.Refuse(fmt.Errorf("--graph-url: %w", err))
	}
	if err := checkProxies(opts.Getenv); err != nil {
		return nil, err
	}
	roots, err := trustedRoots(opts.Getenv("SSL_CERT_FILE"))
	if err != nil {
		opts.Say("%s", format.Error(err))
	}
	t := &Target{endpoint: endpoint, opts: opts, roots: roots}
	t.credential, err = auth.New(auth.Options{
		Method: opts.Auth, Tenant: opts.Tenant, ClientID: opts.ClientID,
		Certificate: opts.Certificate, SecretFile: opts.SecretFile, TokenFile: opts.TokenFile,
		ForceSignIn: opts.ForceSignIn,
		Authority:   endpoint.Authority, Discovery: endpoint.Discovery, Hosts: endpoint.Hosts(),
		Prompt: func(text string) { opts.Say("%s", text) },
		Getenv: opts.Getenv, Roots: roots,
	})
	if wrong, ok := errors.AsType[*auth.UsageError](err); ok {
		return nil, status.Refuse(wrong)
	}
	if err != nil {
		return t, &status.Error{Code: status.NoAccess, Err: err,
			Hints: credentialHints(opts.Auth, err)}
	}
	return t, nil
}

// Cloud returns the name of the target's cloud, or "other".
func (t *Target) Cloud() string {
	if t.endpoint.Cloud == nil {
		return "other"
	}
	return t.endpoint.Cloud.Name
}

// Root returns the root URL of Graph.
func (t *Target) Root() string { return t.endpoint.Root }

// SignInTime returns how long a request for the first token may take.
func (t *Target) SignInTime() time.Duration {
	if t.credential.Interactive() {
		return personPatience
	}
	return machinePatience
}

// Interactive reports whether a person signs in.
func (t *Target) Interactive() bool { return t.credential.Interactive() }

// userAgent is the user agent of all requests.
func (t *Target) userAgent() string { return "tapsweep/" + cmp.Or(t.opts.Version, "devel") }

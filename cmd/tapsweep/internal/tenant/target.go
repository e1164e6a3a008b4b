// Package tenant resolves the options about signing in to a target, and connects to it: it gets an access
// token and checks that the token is for the wanted tenant.
package tenant

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/status"
)

// Options are the options about the tenant and how to sign in.
type Options struct {
	SignIn auth.Options // Resolve sets what depends on the cloud
	Cloud  cloud.Config // Resolve sets its Authority

	Version string                           // the version of tapsweep, for the user agent
	Say     func(format string, args ...any) // shows a message to a person
}

// A Target is a resolved endpoint and credential. Resolving sends nothing.
type Target struct {
	// Stall is how long to wait during an outage of the authority. 0 means not at all.
	Stall time.Duration
	Quiet bool // do not say that an outage makes the target wait

	endpoint   *cloud.Endpoint
	credential *auth.Credential
	opts       Options
	roots      *x509.CertPool // nil means those of the system
}

// Resolve returns the endpoint and the credential that the options select. It sends nothing. If only the
// credential is missing, it returns an error and a Target without a credential.
func Resolve(opts Options) (*Target, error) {
	// SignIn.Getenv also has the variables that name a proxy and certificate authorities.
	getenv := opts.SignIn.Getenv
	opts.Cloud.Root, opts.Cloud.Authority = strings.TrimSuffix(opts.Cloud.Root, "/"), getenv("AZURE_AUTHORITY_HOST")
	endpoint, err := opts.Cloud.Resolve()
	if err != nil {
		return nil, status.Refuse(err)
	}
	if _, err := graph.ParseRoot(endpoint.Root); err != nil {
		return nil, status.Refuse(fmt.Errorf("--graph-url: %w", err))
	}
	if err := checkProxies(getenv); err != nil {
		return nil, err
	}
	roots, err := trustedRoots(getenv("SSL_CERT_FILE"))
	if err != nil {
		opts.Say("%v", err)
	}
	t := &Target{endpoint: endpoint, opts: opts, roots: roots}
	who := opts.SignIn
	who.Authority, who.Discovery, who.Hosts, who.Roots = endpoint.Authority, endpoint.Discovery, endpoint.Hosts(), roots
	who.Prompt = func(text string) { opts.Say("%s", text) }
	t.credential, err = auth.New(who)
	if wrong, ok := errors.AsType[*auth.UsageError](err); ok {
		return nil, status.Refuse(wrong)
	}
	if err != nil {
		return t, &status.Error{Code: status.NoAccess, Err: err, Hints: credentialHints(who.Method, who.ClientID, err)}
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

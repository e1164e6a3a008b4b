package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/input"
)

// tenant is where a run goes to, with a token for it.
type tenant struct {
	id     string // from the token if it can be read, else as configured
	wanted string // as configured: id, domain or empty
	root   string // Graph's
	api    string // the root with the version, where next links have to be
	token  *preflight.Token
	method string // how the token was come by
	client *graph.Client
	close  func()
}

func checkRoot(root string) error {
	_, err := graph.ParseRoot(root)
	return err
}

// connect gets a token, so that a run that cannot have one ends before it
// began.
func (c *connection) connect(ctx context.Context) (*tenant, error) {
	return c.dial(ctx, nil)
}

// dial is connect through a transport of the caller's; nil is the usual one.
func (c *connection) dial(ctx context.Context, transport http.RoundTripper) (*tenant, error) {
	t := &tenant{wanted: cmp.Or(c.flags.tenant, os.Getenv("AZURE_TENANT_ID")), root: c.endpoint.Root, api: c.endpoint.Root + "/" + c.endpoint.Version,
		method: c.credential.Method, close: func() {}}
	client, err := graph.New(c.credential, graph.Options{Root: c.endpoint.Root, Audience: c.endpoint.Audience,
		Version: c.endpoint.Version, UserAgent: "tapsweep/" + buildVersion(), Transport: transport})
	if err != nil {
		return nil, refuse(err)
	}
	token, err := client.Token(ctx)
	if err != nil {
		return nil, &exitError{code: exitAuth, err: err, hints: credentialHints(c.credential.Method, c.credential.ClientID, err)}
	}
	t.client, t.token = client, preflight.Read(token, c.endpoint)
	t.id = cmp.Or(t.token.Tenant, t.wanted)
	return t, nil
}

// preflight tells what the token may do for the task, and refuses what it surely
// cannot do. The block goes to w either way.
func (t *tenant) preflight(w io.Writer, task preflight.Task) error {
	t.token.Print(w, task)
	problem := t.token.Check(task, t.wanted)
	if problem == nil {
		return nil
	}
	return &exitError{code: exitAuth, err: fmt.Errorf("%w\nnothing was sent", problem),
		hints: append(problem.Hints, "if you know better than this token tells: --no-preflight")}
}

// caller is what the token tells about refusals.
func (t *tenant) caller() revoke.Caller {
	return revoke.Caller{App: t.token.Kind == preflight.App,
		Permitted: t.token.Permitted(), Privileged: t.token.Privileged()}
}

// simulated starts a tenant that holds what the list names, and goes all the
// way to it: token endpoint, TLS, batches. Real credentials are not looked at.
func (a *app) simulated(ctx context.Context, list *input.List, keep *protect.List) (*tenant, error) {
	sim := graphsim.New(graphsim.Options{
		Latency: 150 * time.Millisecond,
		// The documented quota for identity writes, 3,000 in 150 s, as a bucket
		// small enough that a short list meets it too.
		Limits: []*graphsim.Limit{graphsim.Bucket(20, 20)},
	})
	for pair, err := range list.Pairs() {
		if err != nil {
			return nil, refuse(err)
		}
		if pair.Err == nil {
			sim.SeedPair(pair.User, pair.Method)
		}
	}
	for _, u := range keep.Rows() {
		if u.ID == "" || u.UPN == "" {
			sim.SeedPair(u.ID+u.UPN, "") // it will be looked up
		}
	}
	server, err := sim.Start()
	if err != nil {
		return nil, fmt.Errorf("starting the simulated tenant: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CAPEM)
	transport := graph.NewTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	credential, err := auth.Secret(server.URL, graphsim.DefaultTenantID, graphsim.DefaultClientID, graphsim.DefaultSecret,
		&http.Client{Transport: transport})
	if err != nil {
		server.Close()
		return nil, err
	}
	c := &connection{
		flags:      &connectFlags{tenant: graphsim.DefaultTenantID},
		endpoint:   &cloud.Endpoint{Root: server.URL, Audience: server.URL, Authority: server.URL, Version: "v1.0"},
		credential: credential,
	}
	t, err := c.dial(ctx, transport)
	if err != nil {
		server.Close()
		return nil, err
	}
	t.close = func() { server.Close() }
	return t, nil
}

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/input"
)

// permissionHints follow whatever goes wrong with the token.
// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
var permissionHints = []string{
	"set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or sign in with a managed identity",
	"the app needs the application permission UserAuthMethod-TAP.ReadWrite.All or UserAuthenticationMethod.ReadWrite.All",
}

// tenant is where a run goes to.
type tenant struct {
	id     string // of the tenant, from the token if it can be read
	who    string // whose token it is, empty if it cannot be read
	root   string // Graph's
	client *graph.Client
	close  func()
}

// connect gets a token, so that a run that cannot have one ends before it
// began. With --simulate it starts the tenant too.
func connect(ctx context.Context, f *revokeFlags, list *input.List, keep *protect.List) (*tenant, error) {
	if f.simulate {
		return simulated(ctx, list, keep)
	}
	root, err := graph.ParseRoot(f.graphURL)
	if err != nil {
		return nil, refuse(fmt.Errorf("--graph-url: %w", err))
	}
	credential, err := auth.Default()
	if err != nil {
		return nil, &exitError{code: exitAuth, err: err, hints: permissionHints}
	}
	t := &tenant{id: os.Getenv("AZURE_TENANT_ID"), root: root.String(), close: func() {}}
	return t, t.dial(ctx, credential, nil)
}

func (t *tenant) dial(ctx context.Context, credential azcore.TokenCredential, transport http.RoundTripper) error {
	client, err := graph.New(credential, graph.Options{Root: t.root, UserAgent: "tapsweep/" + buildVersion(), Transport: transport})
	if err != nil {
		return refuse(err)
	}
	token, err := client.Token(ctx)
	if err != nil {
		return &exitError{code: exitAuth, err: err, hints: permissionHints}
	}
	if claims, err := graph.ParseClaims(token); err == nil {
		t.id, t.who = cmp.Or(claims.Tenant, t.id), describe(claims)
	}
	t.client = client
	return nil
}

// describe names the one whom a token was given to.
func describe(c graph.Claims) string {
	app := "app " + batch.Printable(c.AppID)
	if c.App != "" {
		app = fmt.Sprintf("app %s (%s)", batch.Printable(c.App), batch.Printable(c.AppID))
	}
	switch {
	case c.User != "":
		return "user " + batch.Printable(c.User) + " through " + app
	case c.AppID == "":
		return ""
	}
	return app
}

// simulated starts a tenant that holds what the list names, and goes all the
// way to it: token endpoint, TLS, batches. Real credentials are not looked at.
func simulated(ctx context.Context, list *input.List, keep *protect.List) (*tenant, error) {
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
	t := &tenant{id: graphsim.DefaultTenantID, root: server.URL, close: func() { server.Close() }}
	if err := t.dial(ctx, credential, transport); err != nil {
		server.Close()
		return nil, err
	}
	return t, nil
}

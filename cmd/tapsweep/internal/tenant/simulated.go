package tenant

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// Simulate starts a simulated tenant with the users and passes of the list, and connects to it. It uses no
// real credential.
func Simulate(ctx context.Context, list *input.List, protectList *protect.List, version string) (*Tenant, error) {
	sim := graphsim.New(graphsim.Options{
		Latency: 150 * time.Millisecond, SessionLag: 2 * time.Second,
		Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "User.RevokeSessions.All"},
		// This is the documented quota for identity writes, 3,000 in 150 s. The bucket is small, so that even
		// a short list is throttled.
		Limits: []*quota.Limit{quota.Bucket(20, 20)},
	})
	for pair, err := range list.Pairs() {
		if err != nil {
			return nil, status.Refuse(err)
		}
		if pair.Err == nil {
			sim.AddPair(pair.User, pair.Method, nil)
		}
	}
	for _, u := range protectList.Users() {
		if u.ID == "" || u.UPN == "" {
			sim.AddPair(u.ID+u.UPN, "", nil) // protect looks up the other name
		} else {
			sim.AddUser(graphsim.User{ID: u.ID, UPN: u.UPN})
		}
	}
	server, err := sim.Start()
	if err != nil {
		return nil, fmt.Errorf("starting the simulated tenant: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CAPEM)
	transport := graph.NewTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	credential, err := auth.Secret(server.URL, entra.DefaultTenantID, entra.DefaultClientID, entra.DefaultSecret,
		&http.Client{Transport: transport})
	if err != nil {
		server.Close()
		return nil, err
	}
	c := &Target{
		opts:       Options{SignIn: auth.Options{Getenv: func(string) string { return "" }}, Version: version},
		endpoint:   &cloud.Endpoint{Root: server.URL, Audience: server.URL, Authority: server.URL, Version: "v1.0"},
		credential: credential,
	}
	t, err := c.ConnectToAny(ctx, transport)
	if err != nil {
		server.Close()
		return nil, err
	}
	t.stop = func() { server.Close() }
	return t, nil
}

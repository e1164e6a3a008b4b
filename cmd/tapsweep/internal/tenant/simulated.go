package tenant

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// Simulate starts a simulated tenant with the users and passes of the list, and connects to it. It uses no
// real credential. The options have Version and Say.
func Simulate(ctx context.Context, list *input.List, protectList *protect.Named, opts Options) (*Tenant, error) {
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
	env := make(map[string]string)
	for _, v := range sim.Environment(server.URL, server.CAFile) {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	opts.SignIn.Getenv, opts.Cloud.Root = func(name string) string { return env[name] }, server.URL
	target, err := Resolve(opts)
	if err != nil {
		server.Close()
		return nil, err
	}
	t, err := target.ConnectToAny(ctx, nil)
	if err != nil {
		server.Close()
		return nil, err
	}
	t.stop = func() { server.Close() }
	t.setDomain("simulated tenant")
	return t, nil
}

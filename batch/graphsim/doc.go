// Package graphsim is a simulated Microsoft Entra tenant behind a simulated Microsoft
// Graph, for tests and for rehearsals. It has users with Temporary Access Passes, groups,
// the audit log, the report of registrations, and $batch.
//
// # Start a tenant
//
//	tenant := graphsim.New(graphsim.Options{Latency: 150 * time.Millisecond})
//
// There are three ways in, and all give the same answers:
//
//   - Tenant.PostBatch takes the body of a batch, and needs no token.
//   - Tenant.RoundTrip takes HTTP requests without a socket: &http.Client{Transport: tenant}.
//   - Tenant.Start serves HTTPS on the loopback interface, for other processes.
//
// The first two start no goroutine and wait with timers only, so they work with the
// virtual time of testing/synctest. HTTP requests need a token, such as
// tenant.Entra.Token("User.Read.All"), or one from the token endpoint. Package entra has
// the secrets, certificates and sign-ins of people that get one.
//
// # Fill it
//
//	users := tenant.AddUsers(100) // each with a pass
//	tenant.AddUser(graphsim.User{UPN: "root@contoso.example", Privileged: true})
//	tenant.AddGroup(graphsim.Group{Name: "admins", Members: []string{users[0].ID}})
//	tenant.GivePass(users[0].ID, graphsim.Pass{}) // a new pass in place of the old one
//
// # Make it throttle and fail
//
//	graphsim.Options{
//		Limits: []*quota.Limit{quota.Bucket(20, 60)},
//		Faults: []fault.Fault{{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(503)}},
//	}
//
// Packages quota and fault have the limits and the effects. Tenant.AddFaults adds faults
// later.
//
// # Ask it
//
//	tenant.Remaining() // the passes that users still hold
//	tenant.Stats()     // counts of batches, throttled requests, lost writes
//	tenant.Log()       // each request, if Options.Record is set
//
// # How it behaves
//
// The tenant is strict where Graph is strict, and varies where Graph varies. It refuses a
// batch that Graph refuses, with Graph's message. Responses come in any order, with
// header names in any case, and a 204 comes with or without a body. If a batch has two
// writes for one user, the tenant carries out one and answers 204 to both. Graph has been
// seen to do so.
package graphsim

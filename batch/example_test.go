package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
)

// Sign out the users on a list. A simulated tenant takes the place of Microsoft Graph here; package
// graph has a client of the real one.
func Example() {
	tenant := graphsim.New(graphsim.Options{Roles: []string{"User.Read.All", "User.RevokeSessions.All"}})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com"})
	tenant.AddUser(graphsim.User{UPN: "eli@contoso.com"})
	users := []string{"dana@contoso.com", "eli@contoso.com", "left@contoso.com"}

	runner, err := batch.NewRunner(tenant, batch.Options{})
	if err != nil {
		log.Fatal(err)
	}
	requests := func(yield func(batch.Request) bool) {
		for _, user := range users {
			if !yield(batch.Request{
				Method: "POST",
				URL:    "/users/" + user + "/revokeSignInSessions",
				Body:   json.RawMessage("{}"), // Graph wants one with every POST
				Tag:    user,                  // comes back with the result
			}) {
				return
			}
		}
	}
	// Each request is settled exactly once, in any order, on one goroutine.
	err = runner.Run(context.Background(), requests, func(res batch.Result) []batch.Request {
		switch user := res.Request.Tag.(string); {
		case res.Err != nil && res.Uncertain:
			fmt.Printf("%s: may have been signed out: %v\n", user, res.Err)
		case res.Err != nil:
			fmt.Printf("%s: not done: %v\n", user, res.Err)
		case res.Response.Status >= 300:
			fmt.Printf("%s: refused: %d %s\n", user, res.Response.Status, res.Response.StatusError().Code)
		default:
			fmt.Printf("%s: signed out\n", user)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err) // why the run stopped early; the rest was settled with ErrNotSent
	}
	// Unordered output:
	// dana@contoso.com: signed out
	// eli@contoso.com: signed out
	// left@contoso.com: refused: 404 Request_ResourceNotFound
}

// What settle returns is sent next: here each LIST leads to a DELETE. Reads and
// writes have limits of their own, so each names its Quota.
func ExampleRunner_Run() {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(3)

	runner, err := batch.NewRunner(tenant, batch.Options{})
	if err != nil {
		log.Fatal(err)
	}
	type list struct{ url string }
	lists := func(yield func(batch.Request) bool) {
		for _, user := range users {
			url := "/users/" + user.ID + "/authentication/temporaryAccessPassMethods"
			if !yield(batch.Request{Method: "GET", URL: url, Quota: "read", Tag: list{url}}) {
				return
			}
		}
	}
	listed, deleted := 0, 0
	err = runner.Run(context.Background(), lists, func(res batch.Result) (next []batch.Request) {
		if res.Err != nil || res.Response.Status >= 300 {
			return nil // a real caller reports this
		}
		l, ok := res.Request.Tag.(list)
		if !ok {
			deleted++
			return nil
		}
		listed++
		var passes struct{ Value []struct{ ID string } }
		if json.Unmarshal(res.Response.Body, &passes) != nil {
			return nil
		}
		for _, pass := range passes.Value {
			next = append(next, batch.Request{Method: "DELETE", URL: l.url + "/" + pass.ID, Quota: "write"})
		}
		return next
	})
	fmt.Println(listed, "listed,", deleted, "deleted,", len(tenant.Remaining()), "left,", err)
	// Output: 3 listed, 3 deleted, 0 left, <nil>
}

// A run that stops settles all requests. Uncertain says which may have been carried out although
// no answer says so.
func ExampleResult_Stopped() {
	tenant := graphsim.New(graphsim.Options{})
	users := tenant.AddUsers(100)

	runner, err := batch.NewRunner(tenant, batch.Options{Concurrency: 1})
	if err != nil {
		log.Fatal(err)
	}
	requests := func(yield func(batch.Request) bool) {
		for _, user := range users {
			url := "/users/" + user.ID + "/authentication/temporaryAccessPassMethods/" + user.Passes[0].ID
			if !yield(batch.Request{Method: "DELETE", URL: url}) {
				return
			}
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done, never, unknown := 0, 0, 0
	err = runner.Run(ctx, requests, func(res batch.Result) []batch.Request {
		switch {
		case res.Err == nil:
			done++
			stop()
		case res.Stopped() && !res.Uncertain:
			never++
		default:
			unknown++
		}
		return nil
	})
	fmt.Println(done+never+unknown, "settled:", err)
	fmt.Println("the results are true:", 100-len(tenant.Remaining()) == done)
	// Output:
	// 100 settled: context canceled
	// the results are true: true
}

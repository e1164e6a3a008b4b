package revoke

import (
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// A job of several runs, such as a sweep that resumes, decides about the sessions of a user when the
// item with OnlySessions is begun, by the last outcome of each pass.
func TestSessionsWaitForTheLastRun(t *testing.T) {
	denied := func(id string, attempt int) fault.Fault {
		return fault.Fault{Method: "DELETE", Path: id, Attempt: attempt, Do: fault.ItemStatus(403)}
	}
	for _, tt := range []struct {
		name  string
		first []input.Pair
		then  []input.Pair
		fault []fault.Fault
		want  results.Outcome
	}{
		{"nothing to delete", nil, nil, nil, results.Revoked},
		{"deleted", []input.Pair{danasPair(passID)}, nil, nil, results.Revoked},
		{"denied", nil, []input.Pair{danasPair(passID)}, []fault.Fault{denied(passID, 0)}, results.NotSent},
		{"deleted, and another denied", []input.Pair{danasPair(passID)}, []input.Pair{danasPair(other)},
			[]fault.Fault{denied(other, 0)}, results.NotSent},
		{"denied, and the same deleted", []input.Pair{danasPair(passID)}, []input.Pair{danasPair(passID)},
			[]fault.Fault{denied(passID, 1)}, results.Revoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Roles: sessionRoles, Record: true, Faults: tt.fault})
				tenant.AddUser(graphsim.User{UPN: "dana@contoso.com",
					Passes: []graphsim.Pass{{ID: passID}, {ID: other}}})
				runner, err := batch.NewRunner(tenant, batch.Options{})
				if err != nil {
					t.Fatal(err)
				}
				var sessions []results.Row
				job := New(runner, func(row *results.Row) error {
					if row.Action == results.RevokeSessions {
						sessions = append(sessions, *row)
					}
					return nil
				}, Options{Sessions: new(Sessions)})
				last := Item{Pair: input.Pair{User: "dana@contoso.com"}, OnlySessions: true}
				job.Expect(&last)
				for _, list := range [][]input.Pair{tt.first, tt.then} {
					for _, pair := range list {
						job.Expect(&Item{Pair: pair})
					}
					if err := job.Run(t.Context(), Pairs(pairs(list...))); err != nil {
						t.Fatal(err)
					}
					equal(t, "rows before the last run", len(sessions), 0)
				}
				if err := job.Run(t.Context(), Each([]Item{last})); err != nil {
					t.Fatal(err)
				}
				equal(t, "outcome", onlyRow(t, sessions, nil).Outcome, tt.want)
			})
		})
	}
}

// A scan that cannot list the passes of a user keeps the sessions from being revoked.
func TestSessionsOfUsersWhoCouldNotBeScanned(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Roles: sessionRoles, Record: true})
	tenant.AddUser(graphsim.User{UPN: "dana@contoso.com"})
	runner, err := batch.NewRunner(tenant, batch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var last results.Row
	job := New(runner, func(row *results.Row) error { last = *row; return nil }, Options{Sessions: new(Sessions)})
	left := Item{Pair: input.Pair{User: "dana@contoso.com"}, OnlySessions: true}
	job.Expect(&left)
	job.Record(&results.Row{Source: results.ScanSource, User: "dana@contoso.com", Outcome: results.Failed})
	if err := job.Run(t.Context(), Each([]Item{left})); err != nil {
		t.Fatal(err)
	}
	equal(t, "outcome", last.Outcome, results.NotSent)
	equal(t, "calls", len(calls(tenant)), 0)
}

// A user whose sessions are revoked again, because of a further pass, counts once.
func TestUserCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Roles: sessionRoles, Record: true})
		tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Reissue: time.Second,
			Passes: []graphsim.Pass{{ID: passID}}})
		_, _, counts := revokeBoth(t, tenant, Options{AnyPass: true, Verify: time.Minute}, danasPair(passID))
		if len(calls(tenant)) < 2 {
			t.Fatalf("%d calls, want one after each pass", len(calls(tenant)))
		}
		equal(t, "users", counts.Sessions.Total(), 1)
		equal(t, "users whose sessions are verified", counts.Sessions.Verified, 1)
	})
}

// Sessions wait until it is known which users have two names, and deletes do not. Without an answer
// each name has a call.
func TestSessionsWaitForNames(t *testing.T) {
	const id = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	for _, tt := range []struct {
		name  string
		names map[string]string
		calls int
	}{
		{"one user", map[string]string{"dana@contoso.com": id}, 1},
		{"not known", nil, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Roles: sessionRoles, Record: true})
				tenant.AddUser(graphsim.User{ID: id, UPN: "dana@contoso.com",
					Passes: []graphsim.Pass{{ID: passID}, {ID: other}}})
				runner, err := batch.NewRunner(tenant, batch.Options{})
				if err != nil {
					t.Fatal(err)
				}
				names := make(chan map[string]string, 1)
				job := New(runner, func(*results.Row) error { return nil }, Options{Sessions: &Sessions{Names: names}})
				byID := danasPair(other)
				byID.User = id
				list := []input.Pair{byID, danasPair(passID)}
				for _, pair := range list {
					job.Expect(&Item{Pair: pair})
				}
				for _, pair := range list { // two writes for one user at once would conflict
					if err := job.Run(t.Context(), Pairs(pairs(pair))); err != nil {
						t.Fatal(err)
					}
				}
				equal(t, "deletes before the names are known", tenant.Stats().Deleted, 2)
				equal(t, "calls before the names are known", len(calls(tenant)), 0)
				names <- tt.names
				if err := job.FinishSessions(t.Context()); err != nil {
					t.Fatal(err)
				}
				equal(t, "calls", len(calls(tenant)), tt.calls)
				equal(t, "users", job.Counts().Sessions.Outcomes[results.Revoked], tt.calls)
			})
		})
	}
}

package revoke

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

const pass = "9f0c11aa-1111-4222-8333-000000000001"
const other = "9f0c11aa-1111-4222-8333-000000000002"

func pairs(ps ...input.Pair) Source {
	return func(yield func(input.Pair, error) bool) {
		for _, p := range ps {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func runJob(ctx context.Context, t *testing.T, poster batch.Poster, opts Options, src Source) ([]results.Row, Counts, error) {
	t.Helper()
	runner, err := batch.NewRunner(poster, batch.Options{MaxAttempts: 3})
	if err != nil {
		t.Fatal(err)
	}
	var rows []results.Row
	// A row that is pending is followed by another one; for one beside, see TestSeveralPasses.
	counts, err := New(runner, func(r *results.Row) error {
		if r.Beside {
			return nil
		}
		rows = slices.DeleteFunc(rows, func(before results.Row) bool { return before.Provisional && before.User == r.User })
		rows = append(rows, *r)
		return nil
	}, opts).Run(ctx, src)
	return rows, counts, err
}

// What becomes of one pair, for each thing that can happen to it.
func TestOutcome(t *testing.T) {
	dana := func(passes ...string) graphsim.User {
		u := graphsim.User{UPN: "dana@contoso.com"}
		for _, id := range passes {
			u.Passes = append(u.Passes, graphsim.Pass{ID: id})
		}
		return u
	}
	failing := func(method string, attempt int, do fault.Effect) fault.Fault {
		return fault.Fault{Method: method, Attempt: attempt, Do: do}
	}
	tests := []struct {
		name     string
		user     graphsim.User
		faults   []fault.Fault
		lag      time.Duration
		method   string // of the pair
		want     results.Outcome
		attempts int
		left     int
		message  string
	}{
		{name: "deleted", user: dana(pass), method: pass, want: results.Revoked, attempts: 1},
		{name: "no pass", user: dana(), method: pass, want: results.Absent, attempts: 1},
		{name: "another pass", user: dana(other), method: pass, want: results.Replaced, attempts: 1, left: 1, message: other},
		{name: "no such user", user: graphsim.User{UPN: "lee@contoso.com"}, method: pass, want: results.UnknownUser, attempts: 1},
		{name: "denied", user: graphsim.User{UPN: "dana@contoso.com", Privileged: true, Passes: []graphsim.Pass{{ID: pass}}}, method: pass, want: results.Denied, attempts: 1, left: 1, message: "Authorization"},
		{name: "rejected", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0, fault.ItemStatus(423))}, method: pass, want: results.Rejected, attempts: 1, left: 1},
		{name: "rejected as a whole", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0, fault.OuterStatus(400))}, method: pass, want: results.Rejected, attempts: 1, left: 1},
		{name: "failed", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0, fault.ItemStatus(503))}, method: pass, want: results.Failed, attempts: 3, left: 1, message: "503"},
		{name: "another pass, after an attempt without an answer", user: dana(other), faults: []fault.Fault{failing("DELETE", 1, fault.ItemStatus(503))}, method: pass, want: results.Replaced, attempts: 2, left: 1, message: other},
		{name: "no such user, after an attempt without an answer", user: graphsim.User{UPN: "lee@contoso.com"}, faults: []fault.Fault{failing("DELETE", 1, fault.ItemStatus(503))}, method: pass, want: results.UnknownUser, attempts: 2},
		{name: "deleted without an answer, then denied", user: dana(pass),
			faults: []fault.Fault{failing("DELETE", 1, fault.Reset().AfterWork()), failing("DELETE", 2,
				fault.ItemStatus(403))}, method: pass, want: results.Revoked, attempts: 2, message: "gone"},
		{name: "denied as a whole once", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1,
			fault.OuterStatus(403))}, method: pass, want: results.Revoked, attempts: 1},
		{name: "success with an error in it", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemErrorIn(200))}, method: pass, want: results.Failed, attempts: 3, left: 1,
			message: "ServiceUnavailable"},
		{name: "success with an error in it, and gone", user: dana(pass),
			faults: []fault.Fault{failing("DELETE", 0, fault.ItemErrorIn(200).AfterWork())}, method: pass,
			want: results.Revoked, attempts: 3, message: "gone"},
		{name: "success with an error in it once", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1,
			fault.ItemErrorIn(200))}, method: pass, want: results.Revoked, attempts: 2},
		{name: "any pass, list with an error in it", user: dana(pass), faults: []fault.Fault{failing("GET", 1,
			fault.ItemErrorIn(200))}, want: results.Revoked, attempts: 1},
		{name: "any pass, list with an error in it each time", user: dana(pass),
			faults: []fault.Fault{failing("GET", 0, fault.ItemErrorIn(200))}, want: results.Failed,
			attempts: 3, left: 1, message: "ServiceUnavailable"},
		// Only a 204 says that the pass is deleted. After any other success the run looks.
		{name: "200, and gone", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1,
			fault.ItemShaped(200, `{}`).AfterWork())}, method: pass, want: results.Revoked, attempts: 1},
		{name: "200 once, and not gone", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1,
			fault.ItemShaped(200, `{}`))}, method: pass, want: results.Revoked, attempts: 1},
		{name: "200 each time, and not gone", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemShaped(200, `{}`))}, method: pass, want: results.Failed, attempts: 1, left: 1,
			message: "Graph answered 200 in place of 204, and still lists the pass"},
		{name: "202, and listed for a while", user: dana(pass), lag: 3 * time.Second, faults: []fault.Fault{
			failing("DELETE", 1, fault.ItemShaped(202, "null").AfterWork())}, method: pass, want: results.Revoked,
			attempts: 1},
		{name: "202, and the list is denied", user: dana(pass), faults: []fault.Fault{
			failing("DELETE", 0, fault.ItemShaped(202, "null")), failing("GET", 0, fault.ItemStatus(403))}, method: pass,
			want: results.Unknown, attempts: 1, left: 1, message: "Graph answered 202 in place of 204"},
		{name: "any pass, 200 each time", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemShaped(200, `{}`))}, want: results.Failed, attempts: 1, left: 1, message: "still lists the pass"},
		{name: "rejected with OData's error", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemShaped(400,
				`{"odata.error":{"code":"c","message":{"lang":"en","value":"Bad id."}}}`))}, method: pass,
			want: results.Rejected, attempts: 1, left: 1, message: "Bad id."},
		{name: "rejected with a problem", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemShaped(409, `{"title":"Conflict","detail":"Locked."}`))}, method: pass,
			want: results.Rejected, attempts: 1, left: 1, message: "Conflict: Locked."},
		{name: "rejected with a plain message", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0,
			fault.ItemShaped(400, `{"message":"No."}`))}, method: pass, want: results.Rejected, attempts: 1,
			left: 1, message: "No."},
		{name: "no service", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0, fault.OuterStatus(404))}, method: pass, want: results.Rejected, attempts: 1, left: 1},
		{name: "never answered", user: dana(pass), faults: []fault.Fault{failing("", 0, fault.Reset())}, method: pass, want: results.Unknown, attempts: 3, left: 1},
		{name: "answer lost, then gone", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1, fault.Reset().AfterWork())}, method: pass, want: results.Revoked, attempts: 2},
		{name: "failed every time, and gone", user: dana(pass), faults: []fault.Fault{failing("DELETE", 0, fault.ItemStatus(500).AfterWork())}, method: pass, want: results.Revoked, attempts: 3, message: "gone"},
		{name: "no pass, and the list is denied", user: dana(), faults: []fault.Fault{failing("GET", 0, fault.ItemStatus(403))}, method: pass, want: results.Denied, attempts: 1, message: "could not tell"},
		{name: "no pass, and the list is no list", user: dana(), faults: []fault.Fault{failing("GET", 0, fault.ItemBody(`"text"`))}, method: pass, want: results.Rejected, attempts: 1, message: "cannot be read"},
		{name: "no pass, and the list has no value", user: dana(), faults: []fault.Fault{failing("GET", 0, fault.ItemBody(`{}`))}, method: pass, want: results.Rejected, attempts: 1, message: "cannot be read"},
		{name: "gone and still listed for a while", user: dana(pass), lag: 5 * time.Second, faults: []fault.Fault{failing("DELETE", 1, fault.ItemStatus(404).AfterWork())}, method: pass, want: results.Absent, attempts: 1},
		{name: "gone and listed for ever", user: dana(pass), lag: time.Hour, faults: []fault.Fault{failing("DELETE", 0, fault.ItemStatus(404).AfterWork())}, method: pass, want: results.Failed, attempts: 1, message: "found no such pass (404), and still lists the pass"},
		{name: "throttled", user: dana(pass), faults: []fault.Fault{failing("DELETE", 1, fault.ItemStatus(429, "Retry-After", "2"))}, method: pass, want: results.Revoked, attempts: 1},

		{name: "any pass", user: dana(other), want: results.Revoked, attempts: 1},
		{name: "any pass, none there", user: dana(), want: results.Absent, attempts: 1},
		{name: "any pass, several there", user: dana(pass, other), want: results.Revoked, attempts: 1},
		{name: "any pass, no such user", user: graphsim.User{UPN: "lee@contoso.com"}, want: results.UnknownUser, attempts: 1},
		{name: "any pass, two there, one vanishes", user: dana(pass, other), faults: []fault.Fault{{Method: "DELETE", Path: other, Do: fault.ItemStatus(404).AfterWork()}}, want: results.Revoked, attempts: 1},
		{name: "any pass, list never answered", user: dana(pass), faults: []fault.Fault{failing("GET", 0, fault.Reset())}, want: results.Failed, attempts: 3, left: 1},
		{name: "any pass, list denied", user: graphsim.User{UPN: "dana@contoso.com", Privileged: true}, want: results.Denied, attempts: 1},
		{name: "any pass, list unreadable", user: dana(pass), faults: []fault.Fault{failing("GET", 0, fault.ItemBody("null"))}, want: results.Rejected, attempts: 1, left: 1, message: "cannot be read"},
		{name: "any pass, list in pages", user: dana(pass), faults: []fault.Fault{failing("GET", 0, fault.ItemBody(`{"value":[],"@odata.nextLink":"x"}`))}, want: results.Rejected, attempts: 1, left: 1, message: "more than one page"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Faults: tt.faults, ListLag: tt.lag})
				tenant.AddUser(tt.user)
				rows, counts, err := runJob(t.Context(), t, tenant, Options{}, pairs(input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: tt.method}))
				if err != nil || len(rows) != 1 {
					t.Fatalf("Run = %v with %d rows", err, len(rows))
				}
				r := rows[0]
				if r.Outcome != tt.want || r.Attempts != tt.attempts || !strings.Contains(r.Message, tt.message) {
					t.Errorf("outcome %s, %d attempts, message %q; want %s, %d, %q", r.Outcome, r.Attempts, r.Message, tt.want, tt.attempts, tt.message)
				}
				if r.Line != 2 || r.Source != "l.csv" || r.User != "dana@contoso.com" || counts.Outcomes[tt.want] != 1 || counts.Total() != 1 {
					t.Errorf("row %+v, counts %+v", r, counts)
				}
				if left := len(tenant.Remaining()); left != tt.left {
					t.Errorf("%d passes left, want %d", left, tt.left)
				}
			})
		})
	}
}

// If every batch is refused, the rows are not_sent, so that a resumed run sends them, and they
// say nothing about the user's passes.
func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{Faults: []fault.Fault{{Method: "DELETE",
			Do: fault.OuterBody(403, `{"message":"address not allowed"}`)}}})
		tenant.AddUser(graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
		rows, _, err := runJob(t.Context(), t, tenant, Options{AbortAfter: 1}, pairs(input.Pair{Line: 2,
			User: "dana@contoso.com", Method: pass}))
		if !errors.Is(err, batch.ErrBlocked) || len(rows) != 1 {
			t.Fatalf("Run = %v with %d rows, want ErrBlocked with one", err, len(rows))
		}
		if r := rows[0]; r.Outcome != results.NotSent || !r.Outcome.Again() || r.Hint != "" {
			t.Errorf("the row says %s with the hint %q, want not_sent and none", r.Outcome, r.Hint)
		}
		if strings.Count(rows[0].Message, "address not allowed") != 1 {
			t.Errorf("the row's message is %q", rows[0].Message)
		}
	})
}

// A dry run says what a run would do, and writes nothing.
func TestDryRun(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{Record: true})
	tenant.AddUser(graphsim.User{UPN: "planned@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
	tenant.AddUser(graphsim.User{UPN: "any@contoso.com", Passes: []graphsim.Pass{{ID: other}}})
	tenant.AddUser(graphsim.User{UPN: "replaced@contoso.com", Passes: []graphsim.Pass{{ID: other}}})
	tenant.AddUser(graphsim.User{UPN: "absent@contoso.com"})
	rows, _, err := runJob(t.Context(), t, tenant, Options{DryRun: true}, pairs(
		input.Pair{User: "planned@contoso.com", Method: strings.ToUpper(pass)}, input.Pair{User: "any@contoso.com"},
		input.Pair{User: "replaced@contoso.com", Method: pass}, input.Pair{User: "absent@contoso.com", Method: pass},
		input.Pair{User: "unknown_user@contoso.com", Method: pass}))
	if err != nil || len(rows) != 5 {
		t.Fatalf("Run = %v with %d rows", err, len(rows))
	}
	for _, r := range rows {
		want, _, _ := strings.Cut(r.User, "@")
		if want == "any" {
			want = "planned"
			if r.Method != other {
				t.Errorf("any pass: method %q, want the one that is there", r.Method)
			}
		}
		if string(r.Outcome) != want {
			t.Errorf("%s is %s", r.User, r.Outcome)
		}
	}
	for _, e := range tenant.Log() {
		if e.Method != "GET" {
			t.Errorf("a dry run sent %s %s", e.Method, e.Path)
		}
	}
}

func TestRowsWithoutRequests(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	rows, counts, err := runJob(t.Context(), t, tenant, Options{}, pairs(
		input.Pair{Line: 2, User: "x", Err: errors.New("l.csv:2: bad")},
		input.Pair{Line: 3, User: "dana@contoso.com", FirstOf: &input.Pos{Source: "l.csv", Line: 1}}))
	if err != nil || len(rows) != 2 || rows[0].Outcome != results.Invalid || rows[1].Outcome != results.Duplicate || rows[1].Message != "the same pair as l.csv:1" {
		t.Errorf("Run = %v, rows %+v", err, rows)
	}
	if counts.Left() != 1 || tenant.Stats().Requests != 0 {
		t.Errorf("%d left, %d requests", counts.Left(), tenant.Stats().Requests)
	}
}

// A log that cannot be written stops the run before more is sent, and a list
// that changes under the run does too.
func TestStops(t *testing.T) {
	many := func(yield func(input.Pair, error) bool) {
		for i := range 1000 {
			if !yield(input.Pair{Line: i, User: fmt.Sprintf("user%04d@contoso.example", i+1), Method: pass}, nil) {
				return
			}
		}
	}
	t.Run("log", func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUsers(1000)
		runner, _ := batch.NewRunner(tenant, batch.Options{Concurrency: 1})
		full := errors.New("no space left on device")
		rows := 0
		_, err := New(runner, func(*results.Row) error {
			if rows++; rows > 30 {
				return full
			}
			return nil
		}, Options{}).Run(t.Context(), many)
		if sent := tenant.Stats().Requests; !errors.Is(err, full) || sent > 100 || rows != 1000 {
			t.Errorf("Run = %v, %d requests sent, %d rows", err, sent, rows)
		}
	})
	t.Run("list", func(t *testing.T) {
		changed := errors.New("list.csv changed")
		src := func(yield func(input.Pair, error) bool) {
			n := 0
			for p := range Source(many) {
				if n++; n > 50 {
					yield(input.Pair{}, changed)
					return
				}
				if !yield(p, nil) {
					return
				}
			}
		}
		tenant := graphsim.New(graphsim.Options{})
		rows, _, err := runJob(t.Context(), t, tenant, Options{}, src)
		if !errors.Is(err, changed) || len(rows) != 50 {
			t.Errorf("Run = %v with %d rows, want the cause and 50", err, len(rows))
		}
	})
}

func TestURLs(t *testing.T) {
	tests := []struct{ user, want string }{
		{"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311", "/users/5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"},
		{"dana@contoso.com", "/users/dana@contoso.com"},
		{"a_b.com#EXT#@t.onmicrosoft.com", "/users/a_b.com%23EXT%23@t.onmicrosoft.com"},
		{"o'neil@contoso.com", "/users/o%27neil@contoso.com"},
		{"$x@contoso.com", "/users('$x@contoso.com')"},
		{"$o'x@contoso.com", "/users('$o%27%27x@contoso.com')"},
	}
	for _, tt := range tests {
		want := tt.want + "/authentication/temporaryAccessPassMethods/" + pass
		if got := passes.PassURL(tt.user, pass); got != want {
			t.Errorf("passes.PassURL(%q) = %s, want %s", tt.user, got, want)
		}
	}
}

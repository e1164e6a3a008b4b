package revoke

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// What a look afterwards makes of a pair, and how long it takes.
func TestVerify(t *testing.T) {
	get := func(attempt int, do fault.Effect) []fault.Fault {
		return []fault.Fault{{Method: "GET", Attempt: attempt, Do: do}}
	}
	holds := func(id string) graphsim.User {
		return graphsim.User{UPN: "dana@contoso.com", Passes: []graphsim.Pass{{ID: id}}}
	}
	tests := []struct {
		name     string
		user     graphsim.User
		lag      time.Duration
		faults   []fault.Fault
		method   string
		anyPass  bool
		want     results.Outcome
		verified bool
		left     int
		took     time.Duration
		message  string
	}{
		{name: "gone", user: holds(pass), method: pass, want: results.Revoked, verified: true, took: 2 * time.Second},
		{name: "never there", user: graphsim.User{UPN: "dana@contoso.com"}, method: pass, want: results.Absent, verified: true, took: 2 * time.Second},
		{name: "never there, no pass named", user: graphsim.User{UPN: "dana@contoso.com"}, want: results.Absent, verified: true, took: 2 * time.Second},
		// 2, 4, 8 and 16 seconds.
		{name: "listed for 20 s", user: holds(pass), lag: 20 * time.Second, method: pass, want: results.Revoked, verified: true, took: 30 * time.Second},
		{name: "listed for ever", user: holds(pass), lag: time.Hour, method: pass, want: results.Remains, took: time.Minute, message: "listed still, 1m0s after it was revoked"},
		{name: "given another", user: graphsim.User{UPN: "dana@contoso.com", Reissue: time.Second, Passes: []graphsim.Pass{{ID: pass}}}, method: pass,
			want: results.Remains, left: 1, took: 2 * time.Second, message: "the user holds another pass, in place of " + pass},
		{name: "given another, no pass named", user: graphsim.User{UPN: "dana@contoso.com", Reissue: time.Second, Passes: []graphsim.Pass{{ID: pass}}},
			want: results.Remains, left: 1, took: 8 * time.Second, message: "another pass"},
		{name: "the look is denied", user: holds(pass), faults: get(0, fault.ItemStatus(403)), method: pass, want: results.Revoked, took: 2 * time.Second, message: "not verified"},
		{name: "the look fails once", user: holds(pass), faults: get(1, fault.ItemStatus(503)), method: pass, want: results.Revoked, verified: true, took: 2 * time.Second},
		{name: "the list is none", user: holds(pass), faults: get(0, fault.ItemBody(`{}`)), method: pass, want: results.Revoked, took: 2 * time.Second, message: "cannot be read"},
		{name: "no look at what failed", user: holds(pass), faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(423)}}, method: pass, want: results.Rejected, left: 1},
		{name: "another one goes too, with --any-pass", user: holds(other), method: pass, anyPass: true, want: results.Revoked, verified: true, took: 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{Faults: tt.faults, ListLag: tt.lag})
				tenant.AddUser(tt.user)
				start := time.Now()
				rows, counts, err := runJob(t.Context(), t, tenant, Options{Verify: time.Minute, AnyPass: tt.anyPass},
					pairs(input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: tt.method}))
				if err != nil || len(rows) != 1 {
					t.Fatalf("Run = %v with %d rows", err, len(rows))
				}
				r, took := rows[0], time.Since(start)
				if r.Outcome != tt.want || r.Verified != tt.verified || !strings.Contains(r.Message, tt.message) {
					t.Errorf("%s, verified %v, %q; want %s, %v, %q", r.Outcome, r.Verified, r.Message, tt.want, tt.verified, tt.message)
				}
				if took.Truncate(time.Second) != tt.took && tt.name != "the look fails once" {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if left := len(tenant.Remaining()); left != tt.left {
					t.Errorf("%d passes left, want %d", left, tt.left)
				}
				done := tt.want == results.Rejected || r.Verified
				if r.Outcome == results.Remains && (r.Reason == "" || tt.left > 0 && r.Method != tenant.Remaining()[0].PassID) {
					t.Errorf("the row does not name what remains: %+v", r)
				}
				if wasPending := tt.want != results.Rejected; wasPending != (r.SupersedesPending.Done() && r.SupersedesPending != "") {
					t.Errorf("the row follows one that said %q", r.SupersedesPending)
				}
				if another := tt.method != "" && r.Method != pass; (r.InPlaceOf == pass) != another {
					t.Errorf("%q in place of %q", r.Message, r.InPlaceOf)
				}
				if (counts.Left() == 0) != (r.Verified) || done && counts.Unverified != 0 {
					t.Errorf("%d left, %d unverified", counts.Left(), counts.Unverified)
				}
			})
		})
	}
}

// Whatever pass a user holds goes, in place of the one that a row names.
func TestAnyPass(t *testing.T) {
	for _, dry := range []bool{false, true} {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUser(graphsim.User{UPN: "replaced@contoso.com", Passes: []graphsim.Pass{{ID: other}}})
		tenant.AddUser(graphsim.User{UPN: "named@contoso.com", Passes: []graphsim.Pass{{ID: pass}}})
		tenant.AddUser(graphsim.User{UPN: "none@contoso.com"})
		rows, _, err := runJob(t.Context(), t, tenant, Options{AnyPass: true, DryRun: dry}, pairs(
			input.Pair{Line: 2, User: "replaced@contoso.com", Method: pass}, input.Pair{Line: 3, User: "named@contoso.com", Method: pass},
			input.Pair{Line: 4, User: "none@contoso.com", Method: pass}))
		if err != nil || len(rows) != 3 {
			t.Fatalf("Run = %v with %d rows", err, len(rows))
		}
		gone := results.Revoked
		left := 0
		if dry {
			gone, left = results.Planned, 2
		}
		for _, r := range rows {
			want, method := gone, pass
			switch r.Line {
			case 2:
				method = other
			case 4:
				want = results.Absent
			}
			if r.Outcome != want || r.Method != method {
				t.Errorf("dry run %v: line %d is %s of %s, want %s of %s", dry, r.Line, r.Outcome, r.Method, want, method)
			}
		}
		if len(tenant.Remaining()) != left {
			t.Errorf("dry run %v: %d passes left, want %d", dry, len(tenant.Remaining()), left)
		}
	}
}

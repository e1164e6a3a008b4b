package revoke

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// With Verify, a LIST after the delete decides the outcome of a pair. Each case has the time that the run takes.
func TestVerify(t *testing.T) {
	get := func(attempt int, do fault.Effect) []fault.Fault { return on("GET", attempt, do) }
	holds := func(id string) graphsim.User { return holder("dana", id) }
	none := holder("dana")
	reissued := holds(passID)
	reissued.Reissue = time.Second
	for _, tt := range []struct {
		name     string
		user     graphsim.User // if zero, dana with the pass
		lag      time.Duration
		faults   []fault.Fault
		noMethod bool // the pair names no pass
		anyPass  bool
		want     results.Outcome // if empty, revoked
		verified bool
		left     int
		took     time.Duration
		message  string
	}{
		{name: "gone", verified: true, took: 2 * time.Second},
		{name: "never there", user: none, want: results.Absent, verified: true, took: 2 * time.Second},
		{name: "never there, no pass named", user: none, noMethod: true, want: results.Absent, verified: true,
			took: 2 * time.Second},
		// The pauses are 2, 4, 8 and 16 seconds.
		{name: "listed for 20 s", lag: 20 * time.Second, verified: true, took: 30 * time.Second},
		{name: "listed for ever", lag: time.Hour, want: results.Remains, took: time.Minute,
			message: "still listed, 1m0s after it was revoked"},
		{name: "given another", user: reissued, want: results.Remains, left: 1, took: 2 * time.Second,
			message: "the user has another pass, in place of " + passID},
		{name: "given another, no pass named", user: reissued, noMethod: true, want: results.Remains, left: 1,
			took: 2 * time.Second, message: "another pass"},
		{name: "the list is denied", faults: get(0, fault.ItemStatus(403)), want: results.Revoked,
			took: 2 * time.Second, message: "not verified"},
		{name: "the list fails once", faults: get(1, fault.ItemStatus(503)), verified: true, took: 2 * time.Second},
		{name: "the list cannot be read", faults: get(0, fault.ItemBody(`{}`)), want: results.Revoked,
			took: 2 * time.Second, message: "cannot be read"},
		{name: "no list after a failure", faults: []fault.Fault{{Method: "DELETE", Do: fault.ItemStatus(423)}},
			want: results.Rejected, left: 1},
		{name: "another one goes too, with --any-pass", user: holds(other), anyPass: true, verified: true,
			took: 2 * time.Second},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			if tt.user.UPN == "" {
				tt.user = holds(passID)
			}
			tenant := tenantOf(graphsim.Options{Faults: tt.faults, ListLag: tt.lag}, tt.user)
			pair := danasPair(passID)
			if tt.noMethod {
				pair.Method = ""
			}
			tt.want = cmp.Or(tt.want, results.Revoked)
			start := time.Now()
			done := run(t, tenant, Options{Verify: time.Minute, AnyPass: tt.anyPass}, pair)
			took := time.Since(start)
			r := done.only(t)
			assert.Same(t, "outcome", r.Outcome, tt.want)
			assert.Same(t, "verified", r.Verified, tt.verified)
			assert.Holds(t, "message", r.Message, tt.message)
			if tt.name != "the list fails once" { // the pause after a 503 is random
				assert.Same(t, "duration", took.Truncate(time.Second), tt.took)
			}
			assert.Same(t, "passes left", len(tenant.Remaining()), tt.left)
			assert.Same(t, "passes that no list names", done.counts.Unnamed == 1, tt.name == "given another")
			if r.Outcome == results.Remains {
				assert.Same(t, "reason is missing", r.Reason == "", false)
				if tt.left > 0 {
					assert.Same(t, "pass that remains", r.Method, tenant.Remaining()[0].PassID)
				}
			}
			assert.Same(t, "supersedes a pending row", r.SupersedesPending != "", tt.want != results.Rejected)
			inPlace := ""
			if !tt.noMethod && r.Method != passID {
				inPlace = passID
			}
			assert.Same(t, "pass of the list", r.InPlaceOf, inPlace)
			assert.Same(t, "nothing is left", done.counts.Left() == 0, r.Verified)
			if tt.want == results.Rejected || r.Verified {
				assert.Same(t, "unverified rows", done.counts.Unverified, 0)
			}
		}))
	}
}

// AnyPass deletes all passes that a user holds, even if the row names another one, or one of several.
func TestAnyPass(t *testing.T) {
	for _, dry := range []bool{false, true} {
		tenant := tenantOf(graphsim.Options{}, holder("replaced", other), holder("named", passID), holder("none"),
			holder("two", other, passID))
		r := run(t, tenant, Options{AnyPass: true, DryRun: dry},
			input.Pair{Line: 2, User: "replaced@contoso.com", Method: passID},
			input.Pair{Line: 3, User: "named@contoso.com", Method: passID},
			input.Pair{Line: 4, User: "none@contoso.com", Method: passID},
			input.Pair{Line: 5, User: "two@contoso.com", Method: passID})
		assert.OK(t, r.err)
		gone, left := results.Revoked, 0
		if dry {
			gone, left = results.Planned, 4
		}
		want := map[int][2]string{2: {string(gone), other}, 3: {string(gone), passID}, 4: {"absent", passID},
			5: {string(gone), passID}}
		got := make(map[int][2]string) // outcome and pass by line
		for _, row := range r.rows {
			got[row.Line] = [2]string{string(row.Outcome), row.Method}
		}
		assert.Equal(t, fmt.Sprintf("dry run %v: rows", dry), got, want)
		assert.Same(t, fmt.Sprintf("dry run %v: passes left", dry), len(tenant.Remaining()), left)
	}
}

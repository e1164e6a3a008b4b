package revoke

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// holder returns a user with n passes.
func holder(name string, n int) graphsim.User {
	u := graphsim.User{UPN: name + "@contoso.com"}
	for i := range n {
		u.Passes = append(u.Passes, graphsim.Pass{ID: fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", i)})
	}
	return u
}

func isBoundError(t *testing.T, err error, want bool) {
	t.Helper()
	if _, is := errors.AsType[*BoundError](err); is != want {
		t.Errorf("Run = %v, which is a *BoundError: %v, want %v", err, is, want)
	}
}

// MaxDeletes counts passes, not rows. Earlier, 1 allowed 3,000 passes of one user.
func TestMaxDeletes(t *testing.T) {
	pair := func(name, method string) input.Pair { return input.Pair{User: name + "@contoso.com", Method: method} }
	danas := func(n int) []graphsim.User { return []graphsim.User{holder("dana", n)} }
	any := []input.Pair{pair("dana", "")}
	const first, gone = "9f0c11aa-1111-4222-8333-000000000000", "9f0c11aa-1111-4222-8333-00000000ffff"
	tests := []struct {
		name    string
		users   []graphsim.User
		pairs   []input.Pair
		opts    Options
		sent    int // DELETEs
		bound   bool
		notSent int
	}{
		{"one user with many", danas(3000), any, Options{MaxDeletes: 1}, 0, true, 1},
		{"as many as there may be", danas(3), any, Options{MaxDeletes: 3}, 3, false, 0},
		{"no limit", danas(3), any, Options{}, 3, false, 0},
		{"named ones", []graphsim.User{holder("dana", 1), holder("erik", 1), holder("femi", 1)},
			[]input.Pair{pair("dana", first), pair("erik", first), pair("femi", first)}, Options{MaxDeletes: 2}, 0,
			true, 3},
		{"a dry run", danas(3), any, Options{MaxDeletes: 2, DryRun: true}, 0, true, 1},
		{"others in place of the named ones", danas(3), []input.Pair{pair("dana", gone)},
			Options{MaxDeletes: 1, AnyPass: true}, 0, true, 1},
		{"one in place of the named one", danas(1), []input.Pair{pair("dana", gone)},
			Options{MaxDeletes: 1, AnyPass: true}, 1, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := graphsim.New(graphsim.Options{})
				for _, u := range tt.users {
					tenant.AddUser(u)
				}
				rows, counts, err := runJob(t.Context(), t, tenant, tt.opts, pairs(tt.pairs...))
				isBoundError(t, err, tt.bound)
				equal(t, "passes were deleted", tenant.Stats().Deleted, tt.sent)
				equal(t, "rows not sent", counts.Outcomes[results.NotSent], tt.notSent)
				equal(t, "rows", len(rows), len(tt.pairs))
				says := func(r results.Row) bool { return strings.Contains(r.Message, "--max-items") }
				if tt.bound && !slices.ContainsFunc(rows, says) {
					t.Errorf("no row names the bound: %+v", rows)
				}
			})
		})
	}
}

// A pass that was created in the meantime also counts.
func TestMaxDeletesOfReissuedPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		u := holder("dana", 1)
		u.Reissue = 1
		tenant.AddUser(u)
		rows, _, err := runJob(t.Context(), t, tenant, Options{MaxDeletes: 1, Verify: 1 << 40},
			pairs(input.Pair{User: u.UPN}))
		isBoundError(t, err, true)
		equal(t, "passes were deleted", tenant.Stats().Deleted, 1)
		equal(t, "outcome", onlyRow(t, rows, nil).Outcome, results.Remains)
	})
}

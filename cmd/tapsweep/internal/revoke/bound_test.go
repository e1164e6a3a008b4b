package revoke

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
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
	for _, tt := range []struct {
		name    string
		users   []graphsim.User
		pairs   []input.Pair
		opts    Options
		sent    int // DELETEs
		bound   bool
		notSent int
	}{
		{"one user with many", danas(30), any, Options{MaxDeletes: 1}, 0, true, 1},
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
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := graphsim.New(graphsim.Options{})
			for _, u := range tt.users {
				tenant.AddUser(u)
			}
			rows, counts, err := runJob(t.Context(), t, tenant, tt.opts, pairs(tt.pairs...))
			isBoundError(t, err, tt.bound)
			assert.Same(t, "passes were deleted", tenant.Stats().Deleted, tt.sent)
			assert.Same(t, "rows not sent", counts.Outcomes[results.NotSent], tt.notSent)
			assert.Same(t, "rows", len(rows), len(tt.pairs))
			says := func(r results.Row) bool { return strings.Contains(r.Message, "--max-items") }
			assert.That(t, !tt.bound || slices.ContainsFunc(rows, says), "no row names the bound: %+v", rows)
		}))
	}
}

// intent returns the row that announces the delete of a pass.
func intent(pair input.Pair, method string) results.Row {
	return results.Row{Type: "result", Source: pair.Source, Line: pair.Line, User: pair.User, Method: method,
		AnyPass: pair.Method == "", Outcome: results.Found, Provisional: true}
}

// A run that resumes under a bound does not write off the passes that it leaves: the next
// run has to try them again. Earlier they were "replaced", which settles a pair.
func TestMaxDeletesOfIntents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		erik := input.Pair{Source: "l.csv", Line: 3, User: "erik@contoso.com"}
		tenant.AddUser(graphsim.User{UPN: anyOf.User, Passes: []graphsim.Pass{{ID: passID}}})
		tenant.AddUser(graphsim.User{UPN: erik.User, Passes: []graphsim.Pass{{ID: other}}})
		earlier := resumed(t, []results.Row{intent(anyOf, passID), intent(erik, other)})
		opts := resumeOptions(earlier)
		opts.MaxDeletes = 1
		rows, _, err := allRows(t.Context(), t, tenant, opts, pairs(anyOf, erik))
		isBoundError(t, err, true)
		assert.That(t, tenant.Stats().Deleted <= 1,
			"%d passes were deleted, want 1 at the most", tenant.Stats().Deleted)
		after := resumed(t, append([]results.Row{intent(anyOf, passID), intent(erik, other)}, rows...))
		assert.That(t, !after.Completed(&erik), "the pair of erik is settled by %+v, and his pass is there", rows)
	})
}

// A pass that replaced one whose DELETE had a lost answer is not deleted when the limit ends the run, and
// the run says that it deleted something.
func TestMaxDeletesAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		u := holder("dana", 1)
		u.Reissue = 1
		tenant.AddUser(u)
		tenant.AddFaults(fault.Fault{Method: "DELETE", Times: 1, Do: fault.ItemStatus(500).AfterWork()})
		pair := input.Pair{Source: "l.csv", Line: 2, User: u.UPN}
		rows, counts, err := allRows(t.Context(), t, tenant, Options{MaxDeletes: 1}, pairs(pair))
		isBoundError(t, err, true)
		assert.Same(t, "outcome", rows[len(rows)-1].Outcome, results.NotSent)
		assert.Same(t, "Touched", counts.Touched(), true)
		assert.That(t, !resumed(t, rows).Completed(&pair), "the pair is settled, and the user holds a pass: %+v", rows)
	})
}

// A pass that vanishes does not make the others of its user count twice.
func TestMaxDeletesCountsEachPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUser(holdsThree())
		tenant.AddFaults(fault.Fault{Method: "DELETE", Path: passID, Do: fault.ItemStatus(404).AfterWork()})
		_, _, err := allRows(t.Context(), t, tenant, Options{MaxDeletes: 3}, pairs(anyOf))
		assert.Is(t, "Run", err, nil)
		assert.Same(t, "passes left", len(tenant.Remaining()), 0)
	})
}

// Without --any-pass a resumed run does not delete a pass that the list does not name, even
// if the run before was about to.
func TestIntentOfAnotherPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUser(graphsim.User{UPN: anyOf.User, Passes: []graphsim.Pass{{ID: other}}})
		named := anyOf
		named.Method = passID
		row := intent(named, other)
		row.InPlaceOf = passID
		earlier := resumed(t, []results.Row{row})
		rows, _, err := allRows(t.Context(), t, tenant, resumeOptions(earlier), pairs(named))
		assert.OK(t, err)
		assert.Same(t, "passes left", len(tenant.Remaining()), 1)
		assert.Same(t, "outcome", onlyRow(t, rows, nil).Outcome, results.Replaced)
	})
}

// A failed LIST does not make the log forget which pass a run was deleting.
func TestIntentAfterAFailedList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUser(graphsim.User{UPN: anyOf.User})
		tenant.AddFaults(fault.Fault{Method: "GET", Do: fault.ItemStatus(500)})
		first := []results.Row{intent(anyOf, passID)}
		earlier := resumed(t, first)
		rows, _, err := allRows(t.Context(), t, tenant, resumeOptions(earlier), pairs(anyOf))
		assert.OK(t, err)
		d := resumed(t, append(first, rows...)).Unconfirmed(&anyOf)
		assert.That(t, d != nil && d.Method == passID && d.Intended(),
			"after %+v the log does not know that %s was being deleted: %+v", rows, passID, d)
	})
}

package revoke

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// numbered returns a user with n passes.
func numbered(name string, n int) graphsim.User {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("9f0c11aa-1111-4222-8333-%012d", i)
	}
	return holder(name, ids...)
}

func isBoundError(t *testing.T, err error, want bool) {
	t.Helper()
	if _, is := errors.AsType[*BoundError](err); is != want {
		t.Errorf("Run = %v, which is a *BoundError: %v, want %v", err, is, want)
	}
}

// MaxDeletes counts passes, not rows.
func TestMaxDeletes(t *testing.T) {
	pair := func(name, method string) input.Pair { return input.Pair{User: name + "@contoso.com", Method: method} }
	danas := func(n int) []graphsim.User { return []graphsim.User{numbered("dana", n)} }
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
		{"named ones", []graphsim.User{numbered("dana", 1), numbered("erik", 1), numbered("femi", 1)},
			[]input.Pair{pair("dana", first), pair("erik", first), pair("femi", first)}, Options{MaxDeletes: 2}, 0,
			true, 3},
		{"a dry run", danas(3), any, Options{MaxDeletes: 2, DryRun: true}, 0, true, 1},
		{"a dry run, and any pass", danas(3), []input.Pair{pair("dana", first)},
			Options{MaxDeletes: 2, DryRun: true, AnyPass: true}, 0, true, 1},
		{"one of several, and any pass", danas(3), []input.Pair{pair("dana", first)},
			Options{MaxDeletes: 2, AnyPass: true}, 0, true, 1},
		{"others in place of the named ones", danas(3), []input.Pair{pair("dana", gone)},
			Options{MaxDeletes: 1, AnyPass: true}, 0, true, 1},
		{"one in place of the named one", danas(1), []input.Pair{pair("dana", gone)},
			Options{MaxDeletes: 1, AnyPass: true}, 1, false, 0},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{}, tt.users...)
			r := run(t, tenant, tt.opts, tt.pairs...)
			isBoundError(t, r.err, tt.bound)
			assert.Same(t, "passes deleted", tenant.Stats().Deleted, tt.sent)
			assert.Same(t, "rows not sent", r.counts.Outcomes[results.NotSent], tt.notSent)
			assert.Same(t, "rows", len(r.rows), len(tt.pairs))
			if tt.bound {
				assert.Holds(t, "the rows", fmt.Sprintf("%+v", r.rows), "--max-items")
			}
		}))
	}
}

// intent returns the row that announces the delete of a pass.
func intent(pair input.Pair, method string) results.Row {
	return results.Row{Type: "result", Source: pair.Source, Line: pair.Line, User: pair.User, Method: method,
		AnyPass: pair.Method == "", Outcome: results.Found, Provisional: true}
}

// A resumed run leaves passes that exceed the limit for the next run.
func TestMaxDeletesOfIntents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		erik := input.Pair{Source: "l.csv", Line: 3, User: "erik@contoso.com"}
		tenant := tenantOf(graphsim.Options{}, holder("dana", passID), holder("erik", other))
		log := []results.Row{intent(anyOf, passID), intent(erik, other)}
		r := run(t, tenant, Options{Earlier: resumed(t, log), MaxDeletes: 1}, anyOf, erik)
		isBoundError(t, r.err, true)
		assert.That(t, tenant.Stats().Deleted <= 1, "%d passes were deleted, want at most 1", tenant.Stats().Deleted)
		assert.Same(t, "the pair of erik is completed", resumed(t, append(log, r.all...)).Completed(&erik), false)
	})
}

// If the answer to a DELETE is lost and the user has a new pass, the run does not delete this one if it exceeds the
// limit. The counts show that the run may have deleted a pass.
func TestMaxDeletesAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dana := numbered("dana", 1)
		dana.Reissue = 1
		tenant := tenantOf(graphsim.Options{}, dana)
		tenant.AddFaults(fault.Fault{Method: "DELETE", Times: 1, Do: fault.ItemStatus(500).AfterWork()})
		r := run(t, tenant, Options{MaxDeletes: 1}, anyOf)
		isBoundError(t, r.err, true)
		assert.Same(t, "outcome", onlyRow(t, r.rows).Outcome, results.NotSent)
		assert.Same(t, "Touched", r.counts.Touched(), true)
		assert.Same(t, "the pair is completed", resumed(t, r.all).Completed(&anyOf), false)
	})
}

// A pass that vanishes does not make the others of its user count twice.
func TestMaxDeletesCountsEachPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{}, holdsThree())
		tenant.AddFaults(fault.Fault{Method: "DELETE", Path: passID, Do: fault.ItemStatus(404).AfterWork()})
		assert.Is(t, "Run", run(t, tenant, Options{MaxDeletes: 3}, anyOf).err, nil)
		assert.Same(t, "passes left", len(tenant.Remaining()), 0)
	})
}

// Without AnyPass, a resumed run does not delete a pass that the list does not name, even if the earlier run intended
// to delete it.
func TestIntentOfAnotherPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{}, holder("dana", other))
		row := intent(danasPair(passID), other)
		row.InPlaceOf = passID
		r := run(t, tenant, Options{Earlier: resumed(t, []results.Row{row})}, danasPair(passID))
		assert.Same(t, "outcome", r.only(t).Outcome, results.Replaced)
		assert.Same(t, "passes left", len(tenant.Remaining()), 1)
	})
}

// After a failed LIST, the log still shows which pass a run intended to delete.
func TestIntentAfterAFailedList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{Faults: on("GET", 0, fault.ItemStatus(500))}, holder("dana"))
		log := []results.Row{intent(anyOf, passID)}
		r := run(t, tenant, Options{Earlier: resumed(t, log)}, anyOf)
		assert.OK(t, r.err)
		d := resumed(t, append(log, r.all...)).Unconfirmed(&anyOf)
		if d == nil {
			t.Fatalf("the log does not show that a run intended to delete %s: %+v", passID, r.all)
		}
		assert.Same(t, "pass", d.Method, passID)
		assert.Same(t, "Intended", d.Intended(), true)
	})
}

package revoke

import (
	"testing"
	"testing/synctest"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

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
		if n := tenant.Stats().Deleted; n > 1 {
			t.Errorf("%d passes were deleted, want 1 at the most", n)
		}
		after := resumed(t, append([]results.Row{intent(anyOf, passID), intent(erik, other)}, rows...))
		if after.Completed(&erik) {
			t.Errorf("the pair of erik is settled by %+v, and his pass is there", rows)
		}
	})
}

// A pass that was replaced after a DELETE whose answer was lost remains when the bound ends
// the run, and the run says that it deleted something.
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
		equal(t, "outcome", rows[len(rows)-1].Outcome, results.Remains)
		equal(t, "Touched", counts.Touched(), true)
		if resumed(t, rows).Completed(&pair) {
			t.Errorf("the pair is settled, and the user holds a pass: %+v", rows)
		}
	})
}

// A pass that vanishes does not make the others of its user count twice.
func TestMaxDeletesCountsEachPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := graphsim.New(graphsim.Options{})
		tenant.AddUser(holdsThree())
		tenant.AddFaults(fault.Fault{Method: "DELETE", Path: passID, Do: fault.ItemStatus(404).AfterWork()})
		_, _, err := allRows(t.Context(), t, tenant, Options{MaxDeletes: 3}, pairs(anyOf))
		if err != nil {
			t.Errorf("Run = %v, want nil: three passes are no more than three", err)
		}
		equal(t, "passes left", len(tenant.Remaining()), 0)
	})
}

// A deleted pass that counts for no pair is a deleted pass.
func TestTouchedByBesides(t *testing.T) {
	counts := NewCounts()
	counts.Row(&results.Row{Outcome: results.Revoked, Beside: true}, "")
	if !counts.Touched() {
		t.Error("Touched = false after a pass was deleted beside the one of its pair")
	}
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
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "passes left", len(tenant.Remaining()), 1)
		equal(t, "outcome", onlyRow(t, rows, nil).Outcome, results.Replaced)
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
		if err != nil {
			t.Fatal(err)
		}
		d := resumed(t, append(first, rows...)).Unconfirmed(&anyOf)
		if d == nil || d.Method != passID || !d.Intended() {
			t.Errorf("after %+v the log does not know that %s was being deleted: %+v", rows, passID, d)
		}
	})
}

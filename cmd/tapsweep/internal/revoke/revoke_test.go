package revoke

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

const passID = "9f0c11aa-1111-4222-8333-000000000001"
const other = "9f0c11aa-1111-4222-8333-000000000002"

// eachPair returns Items that have a pair and nothing else.
func eachPair(list ...input.Pair) Items {
	items := make([]Item, len(list))
	for i, pair := range list {
		items[i].Pair = pair
	}
	return Each(items)
}

// A jobRun is the result of a run of a Job.
type jobRun struct {
	all      []results.Row // each row as it was written
	rows     []results.Row // the last row of each pair
	sessions []results.Row // the last rows about sessions
	counts   Counts
	err      error
}

// run runs a Job of some pairs.
func run(t *testing.T, poster batch.Poster, opts Options, list ...input.Pair) *jobRun {
	t.Helper()
	return runIn(t.Context(), poster, opts, list...)
}

func runIn(ctx context.Context, poster batch.Poster, opts Options, list ...input.Pair) *jobRun {
	runner := assert.Must(batch.NewRunner(poster, batch.Options{MaxAttempts: 3}))
	r := new(jobRun)
	job := New(runner, func(row *results.Row) error {
		r.all = append(r.all, *row)
		switch {
		case row.Provisional, row.Beside:
		case row.Action == results.RevokeSessions:
			r.sessions = append(r.sessions, *row)
		default:
			r.rows = append(r.rows, *row)
		}
		return nil
	}, opts)
	for _, pair := range list {
		job.Expect(&Item{Pair: pair})
	}
	r.err = job.Run(ctx, eachPair(list...))
	r.counts = job.Counts()
	return r
}

// only returns the row of a run that came to its end and has one.
func (r *jobRun) only(t *testing.T) results.Row {
	t.Helper()
	assert.OK(t, r.err, "Run")
	return onlyRow(t, r.rows)
}

// danasPair returns the pair of line 2 that names a pass of dana.
func danasPair(method string) input.Pair {
	return input.Pair{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: method}
}

// onlyRow returns the row if there is one.
func onlyRow(t *testing.T, rows []results.Row) results.Row {
	t.Helper()
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1: %+v", len(rows), rows)
	}
	return rows[0]
}

// tenantOf returns a tenant with users.
func tenantOf(opts graphsim.Options, users ...graphsim.User) *graphsim.Tenant {
	tenant := graphsim.New(opts)
	for _, u := range users {
		tenant.AddUser(u)
	}
	return tenant
}

// holder returns the user with this name and these passes.
func holder(name string, passes ...string) graphsim.User {
	u := graphsim.User{UPN: name + "@contoso.com"}
	for _, id := range passes {
		u.Passes = append(u.Passes, graphsim.Pass{ID: id})
	}
	return u
}

// on returns faults of one kind of request. attempt is 0 for all attempts.
func on(method string, attempt int, do fault.Effect) []fault.Fault {
	return []fault.Fault{{Method: method, Attempt: attempt, Do: do}}
}

// Batches of a long list are full, except for a few at the start, while the run measures the pace of the tenant.
func TestFullBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{Latency: 50 * time.Millisecond})
		r := run(t, tenant, Options{}, pairsOf(tenant.AddUsers(2000))...)
		assert.OK(t, r.err)
		assert.Same(t, "rows", len(r.rows), 2000)
		stats := tenant.Stats()
		assert.That(t, stats.Requests >= 19*stats.Batches, "%d requests in %d batches, want a mean of 19 or more",
			stats.Requests, stats.Batches)
	})
}

// Whatever happens to a pair, it has one outcome.
func TestOutcome(t *testing.T) {
	lee := holder("lee") // nobody has the name of dana
	dana := func(passes ...string) graphsim.User { return holder("dana", passes...) }
	privileged := dana(passID)
	privileged.Privileged = true
	deleteFails := func(attempt int, do fault.Effect) []fault.Fault { return on("DELETE", attempt, do) }
	listFails := func(attempt int, do fault.Effect) []fault.Fault { return on("GET", attempt, do) }
	for _, tt := range []struct {
		name     string
		user     graphsim.User // if zero, dana with the pass
		faults   []fault.Fault
		lag      time.Duration
		anyPass  bool // the pair names no pass
		want     results.Outcome
		attempts int // if zero, 1
		left     int
		message  string
	}{
		{name: "deleted", want: results.Revoked},
		{name: "no pass", user: dana(), want: results.Absent},
		{name: "another pass", user: dana(other), want: results.Replaced, left: 1, message: other},
		{name: "no such user", user: lee, want: results.UnknownUser},
		{name: "denied", user: privileged, want: results.Denied, left: 1, message: "Authorization"},
		{name: "rejected", faults: deleteFails(0, fault.ItemStatus(423)), want: results.Rejected, left: 1},
		{name: "rejected as a whole", faults: deleteFails(0, fault.OuterStatus(400)), want: results.Rejected, left: 1},
		{name: "failed", faults: deleteFails(0, fault.ItemStatus(503)), want: results.Failed, attempts: 3, left: 1,
			message: "503"},
		{name: "another pass, after an attempt without an answer", user: dana(other),
			faults: deleteFails(1, fault.ItemStatus(503)), want: results.Replaced, attempts: 2, left: 1,
			message: other},
		{name: "no such user, after an attempt without an answer", user: lee,
			faults: deleteFails(1, fault.ItemStatus(503)), want: results.UnknownUser, attempts: 2},
		{name: "deleted without an answer, then denied", faults: append(deleteFails(1, fault.Reset().AfterWork()),
			deleteFails(2, fault.ItemStatus(403))...), want: results.Revoked, attempts: 2, message: "gone"},
		{name: "denied as a whole once", faults: deleteFails(1, fault.OuterStatus(403)), want: results.Revoked},
		{name: "success with an error in it", faults: deleteFails(0, fault.ItemErrorIn(200)), want: results.Failed,
			attempts: 3, left: 1, message: "ServiceUnavailable"},
		{name: "success with an error in it, and gone", faults: deleteFails(0, fault.ItemErrorIn(200).AfterWork()),
			want: results.Revoked, attempts: 3, message: "gone"},
		{name: "success with an error in it once", faults: deleteFails(1, fault.ItemErrorIn(200)),
			want: results.Revoked, attempts: 2},
		{name: "any pass, list with an error in it", faults: listFails(1, fault.ItemErrorIn(200)), anyPass: true,
			want: results.Revoked},
		{name: "any pass, list with an error in it each time", faults: listFails(0, fault.ItemErrorIn(200)),
			anyPass: true, want: results.Failed, attempts: 3, left: 1, message: "ServiceUnavailable"},
		// Only the status 204 means that the pass is deleted. After another success, a LIST shows what the user holds.
		{name: "200, and gone", faults: deleteFails(1, fault.ItemShaped(200, `{}`).AfterWork()), want: results.Revoked},
		{name: "200 once, and not gone", faults: deleteFails(1, fault.ItemShaped(200, `{}`)), want: results.Revoked},
		{name: "200 each time, and not gone", faults: deleteFails(0, fault.ItemShaped(200, `{}`)),
			want: results.Failed, left: 1, message: "Graph answered 200 in place of 204, and still lists the pass"},
		{name: "202, and listed for a while", lag: 3 * time.Second,
			faults: deleteFails(1, fault.ItemShaped(202, "null").AfterWork()), want: results.Revoked},
		{name: "202, and the list is denied", faults: append(deleteFails(0, fault.ItemShaped(202, "null")),
			listFails(0, fault.ItemStatus(403))...), want: results.Unknown, left: 1,
			message: "Graph answered 202 in place of 204"},
		{name: "any pass, 200 each time", faults: deleteFails(0, fault.ItemShaped(200, `{}`)), anyPass: true,
			want: results.Failed, left: 1, message: "still lists the pass"},
		{name: "no service", faults: deleteFails(0, fault.OuterStatus(404)), want: results.Rejected, left: 1},
		{name: "never answered", faults: []fault.Fault{{Do: fault.Reset()}}, want: results.Unknown, attempts: 3,
			left: 1},
		{name: "answer lost, then gone", faults: deleteFails(1, fault.Reset().AfterWork()), want: results.Revoked,
			attempts: 2},
		{name: "answer lost, then gone, and the list is denied",
			faults: append(deleteFails(1, fault.Reset().AfterWork()), listFails(0, fault.ItemStatus(403))...),
			want:   results.Unknown, attempts: 2, message: "could not find out"},
		{name: "failed every time, and another pass", user: dana(other), faults: deleteFails(0, fault.ItemStatus(500)),
			want: results.Replaced, attempts: 3, left: 1, message: other},
		{name: "failed every time, and gone", faults: deleteFails(0, fault.ItemStatus(500).AfterWork()),
			want: results.Revoked, attempts: 3, message: "gone"},
		{name: "no pass, and the list is denied", user: dana(), faults: listFails(0, fault.ItemStatus(403)),
			want: results.Denied, message: "could not find out"},
		{name: "no pass, and the list is no list", user: dana(), faults: listFails(0, fault.ItemBody(`"text"`)),
			want: results.Failed, message: "the list of passes cannot be read: it has an unexpected type (string)"},
		{name: "no pass, and the list has no value", user: dana(), faults: listFails(0, fault.ItemBody(`{}`)),
			want: results.Failed, message: "cannot be read"},
		{name: "gone and still listed for a while", lag: 5 * time.Second,
			faults: deleteFails(1, fault.ItemStatus(404).AfterWork()), want: results.Absent},
		{name: "gone and listed for ever", lag: time.Hour, faults: deleteFails(0, fault.ItemStatus(404).AfterWork()),
			want: results.Failed, message: "found no such pass (404), and still lists the pass"},
		{name: "throttled", faults: deleteFails(1, fault.ItemStatus(429, "Retry-After", "2")), want: results.Revoked},

		{name: "any pass", user: dana(other), anyPass: true, want: results.Revoked},
		{name: "any pass, none there", user: dana(), anyPass: true, want: results.Absent},
		{name: "any pass, several there", user: dana(passID, other), anyPass: true, want: results.Revoked},
		{name: "any pass, no such user", user: lee, anyPass: true, want: results.UnknownUser},
		{name: "any pass, two there, one vanishes", user: dana(passID, other),
			faults:  []fault.Fault{{Method: "DELETE", Path: other, Do: fault.ItemStatus(404).AfterWork()}},
			anyPass: true, want: results.Absent},
		{name: "any pass, list never answered", faults: listFails(0, fault.Reset()), anyPass: true,
			want: results.Failed, attempts: 3, left: 1},
		{name: "any pass, list denied", user: graphsim.User{UPN: "dana@contoso.com", Privileged: true},
			anyPass: true, want: results.Denied},
		{name: "any pass, list unreadable", faults: listFails(0, fault.ItemBody("null")), anyPass: true,
			want: results.Failed, left: 1, message: "cannot be read"},
		{name: "any pass, list in pages", faults: listFails(0, fault.ItemBody(`{"value":[],"@odata.nextLink":"x"}`)),
			anyPass: true, want: results.Failed, left: 1, message: "more than one page"},
		{name: "any pass, list answered 206", faults: listFails(0, fault.ItemShaped(206, `{"value":[]}`)),
			anyPass: true, want: results.Failed, left: 1,
			message: "the list of passes may be incomplete: the answer was 206, not 200; try again later"},
		{name: "any pass, list refused", faults: listFails(0, fault.ItemStatus(423)), anyPass: true,
			want: results.Rejected, left: 1},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			if tt.user.UPN == "" {
				tt.user = dana(passID)
			}
			tenant := tenantOf(graphsim.Options{Faults: tt.faults, ListLag: tt.lag}, tt.user)
			pair := danasPair(passID)
			if tt.anyPass {
				pair.Method = ""
			}
			done := run(t, tenant, Options{}, pair)
			r := done.only(t)
			assert.Same(t, "outcome", r.Outcome, tt.want)
			assert.Same(t, "attempts", r.Attempts, cmp.Or(tt.attempts, 1))
			assert.Holds(t, "message", r.Message, tt.message)
			assert.Same(t, "line", r.Line, 2)
			assert.Same(t, "source", r.Source, "l.csv")
			assert.Same(t, "user", r.User, "dana@contoso.com")
			assert.Same(t, "rows counted with the outcome", done.counts.Outcomes[tt.want], 1)
			assert.Same(t, "rows counted", done.counts.Total(), 1)
			assert.Same(t, "passes left", len(tenant.Remaining()), tt.left)
		}))
	}
}

// A pass that Graph answers with 404 and still lists is deleted four times, after pauses of 2, 4 and 8 seconds.
func TestTriesOfAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{Record: true, ListLag: time.Hour,
			Faults: on("DELETE", 0, fault.ItemStatus(404).AfterWork())}, holder("dana", passID))
		start := time.Now()
		assert.OK(t, run(t, tenant, Options{}, danasPair(passID)).err)
		deletes := slices.DeleteFunc(tenant.Log(), func(e graphsim.LogEntry) bool { return e.Method != "DELETE" })
		assert.Same(t, "DELETEs", len(deletes), 4)
		assert.Same(t, "time until the last", deletes[len(deletes)-1].Time.Sub(start), 14*time.Second)
	})
}

// If every batch is refused, the rows are not_sent, so that a resumed run sends them. The refusal says nothing about
// the passes of the user.
func TestBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := tenantOf(graphsim.Options{Faults: on("DELETE", 0,
			fault.OuterBody(403, `{"message":"address not allowed"}`))}, holder("dana", passID))
		blocked := run(t, tenant, Options{AbortAfter: 1}, danasPair(passID))
		assert.Is(t, "Run", blocked.err, batch.ErrBlocked)
		r := onlyRow(t, blocked.rows)
		assert.Same(t, "outcome", r.Outcome, results.NotSent)
		assert.Same(t, "hint", r.Hint, "")
		assert.Same(t, "times that the message names the cause", strings.Count(r.Message, "address not allowed"), 1)
	})
}

// A dry run reports what a run would do, and writes nothing.
func TestDryRun(t *testing.T) {
	tenant := tenantOf(graphsim.Options{Record: true}, holder("planned", passID), holder("any", other),
		holder("replaced", other), holder("absent"))
	r := run(t, tenant, Options{DryRun: true}, input.Pair{User: "planned@contoso.com", Method: strings.ToUpper(passID)},
		input.Pair{User: "any@contoso.com"}, input.Pair{User: "replaced@contoso.com", Method: passID},
		input.Pair{User: "absent@contoso.com", Method: passID},
		input.Pair{User: "unknown_user@contoso.com", Method: passID})
	assert.OK(t, r.err)
	assert.Same(t, "rows", len(r.rows), 5)
	for _, row := range r.rows {
		want, _, _ := strings.Cut(row.User, "@")
		if want == "any" {
			want = "planned"
			assert.Same(t, "pass of the pair that names no pass", row.Method, other)
		}
		assert.Same(t, "outcome of "+row.User, string(row.Outcome), want)
	}
	for _, e := range tenant.Log() {
		assert.Same(t, "method of a request", e.Method, "GET")
	}
}

// The creator on the list is the creator of the pass on the list, and of no other pass of the user.
func TestCreation(t *testing.T) {
	for _, tt := range []struct {
		name       string
		opts       Options
		held, want string // passes of dana; the list names passID
		says       bool
	}{
		{"deleted", Options{}, passID, passID, true},
		{"a dry run", Options{DryRun: true}, passID, passID, true},
		{"replaced", Options{}, other, passID, true},
		{"another pass in its place", Options{AnyPass: true}, other, other, false},
		{"protected", Options{Protected: func(string, string) bool { return true }}, passID, passID, true},
	} {
		pair := danasPair(passID)
		pair.Creation = input.Creation{By: "mallory@contoso.com", AuditID: "a-7", Match: input.MatchID}
		row := run(t, tenantOf(graphsim.Options{}, holder("dana", tt.held)), tt.opts, pair).only(t)
		assert.Same(t, tt.name+": the pass of the row", row.Method, tt.want)
		assert.Same(t, tt.name+": the row has the creator", row.Creation == pair.Creation, tt.says)
	}
}

// A resumed run remembers what the earlier run may have done, if the pass is gone, and also if the resumed run is
// stopped before its first request.
func TestEarlierDeletes(t *testing.T) {
	row := results.Row{Source: "l.csv", Line: 2, User: "dana@contoso.com", Method: passID, Outcome: results.Failed}
	announced := row
	announced.Outcome, announced.Provisional = results.Found, true
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		earlier results.Row
		want    results.Outcome
		says    string
	}{
		{"failed, and gone", t.Context(), row, results.Absent, "may have been deleted by an earlier run"},
		{"announced, and stopped", stopped, announced, results.Unknown, ""},
		{"failed, and stopped", stopped, row, results.NotSent, ""},
	} {
		opts := Options{Earlier: resumed(t, []results.Row{tt.earlier})}
		got := onlyRow(t, runIn(tt.ctx, tenantOf(graphsim.Options{}, holder("dana")), opts, danasPair(passID)).rows)
		assert.Same(t, tt.name+": outcome", got.Outcome, tt.want)
		assert.Holds(t, tt.name+": message", got.Message, tt.says)
	}
}

// With each of these outcomes, the run may have deleted a pass.
func TestTouched(t *testing.T) {
	for _, o := range results.Outcomes {
		counts := NewCounts()
		counts.addRow(&results.Row{Outcome: o})
		want := o == results.Revoked || o == results.Remains || o == results.Unknown
		assert.Same(t, "touched by "+string(o), counts.Touched(), want)
	}
}

func TestRowsWithoutRequests(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	r := run(t, tenant, Options{}, input.Pair{Line: 2, User: "x", Err: errors.New("l.csv:2: bad")},
		input.Pair{Line: 3, User: "dana@contoso.com", FirstOf: &input.Pos{Source: "l.csv", Line: 1}})
	assert.OK(t, r.err)
	assert.Same(t, "rows", len(r.rows), 2)
	assert.Same(t, "outcome of an invalid row", r.rows[0].Outcome, results.Invalid)
	assert.Same(t, "outcome of a repeated row", r.rows[1].Outcome, results.Duplicate)
	assert.Same(t, "message of a repeated row", r.rows[1].Message, "the same pass as l.csv:1")
	assert.Same(t, "rows left", r.counts.Left(), 1)
	assert.Same(t, "requests", tenant.Stats().Requests, 0)
}

// A run stops if its log cannot be written, before it sends more.
func TestStopsWithoutALog(t *testing.T) {
	tenant := graphsim.New(graphsim.Options{})
	list := pairsOf(tenant.AddUsers(1000))
	runner := assert.Must(batch.NewRunner(tenant, batch.Options{Concurrency: 1}))
	full := errors.New("no space left on device")
	rows := 0
	err := New(runner, func(*results.Row) error {
		if rows++; rows > 30 {
			return full
		}
		return nil
	}, Options{}).Run(t.Context(), eachPair(list...))
	assert.Is(t, "Run", err, full)
	assert.That(t, tenant.Stats().Requests <= 100, "%d requests were sent, want at most 100", tenant.Stats().Requests)
	assert.Same(t, "rows", rows, 1000)
}

// A run stops if its list changes.
func TestStopsWithAnotherList(t *testing.T) {
	changed := errors.New("list.csv changed")
	runner := assert.Must(batch.NewRunner(graphsim.New(graphsim.Options{}), batch.Options{}))
	rows := 0
	err := New(runner, func(*results.Row) error { rows++; return nil }, Options{}).Run(t.Context(),
		func(yield func(Item, error) bool) {
			_ = yield(Item{Pair: danasPair(passID)}, nil) && yield(Item{}, changed)
		})
	assert.Is(t, "Run", err, changed)
	assert.Same(t, "rows", rows, 1)
}

// inBubble returns a test that runs in virtual time.
func inBubble(f func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, f) }
}

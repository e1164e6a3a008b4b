package revoke

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// sessionRoles are the permissions for passes and sessions.
var sessionRoles = []string{"UserAuthMethod-TAP.ReadWrite.All", "User.Read.All", "User.RevokeSessions.All"}

// revokesSessions returns a tenant with users, whose options have the permissions for sessions.
func revokesSessions(opts graphsim.Options, users ...graphsim.User) *graphsim.Tenant {
	opts.Roles, opts.Record = sessionRoles, true
	return tenantOf(opts, users...)
}

// revokeBoth runs a Job that also revokes sessions.
func revokeBoth(t *testing.T, tenant *graphsim.Tenant, opts Options, list ...input.Pair) *jobRun {
	t.Helper()
	opts.Sessions = true
	r := run(t, tenant, opts, list...)
	assert.Is(t, "Run", r.err, nil)
	return r
}

// calls returns the paths of the calls that revoke sessions.
func calls(tenant *graphsim.Tenant) (paths []string) {
	for _, e := range tenant.Log() {
		if strings.HasSuffix(e.Path, "/revokeSignInSessions") {
			paths = append(paths, e.Path)
		}
	}
	return paths
}

// A sessionTest is what happens to the passes of dana, and then to the sessions.
type sessionTest struct {
	name  string
	user  graphsim.User
	opts  Options
	more  []input.Pair // after the pair of dana's pass
	fault *fault.Fault
	want  results.Outcome // of the row, empty for no row
	calls int             // 0 for any number if there is a fault

	message string // part of the message of the row
}

func (tt *sessionTest) run(t *testing.T) {
	var opts graphsim.Options
	if tt.fault != nil {
		opts.Faults = []fault.Fault{*tt.fault}
	}
	tenant := revokesSessions(opts, tt.user)
	r := revokeBoth(t, tenant, tt.opts, append([]input.Pair{danasPair(passID)}, tt.more...)...)
	if tt.want == "" {
		assert.Same(t, "rows about sessions", len(r.sessions), 0)
		return
	}
	row, counts := onlyRow(t, r.sessions), r.counts.Sessions
	assert.Same(t, "outcome", row.Outcome, tt.want)
	assert.Holds(t, "message", row.Message, tt.message)
	assert.Same(t, "counted", counts.Outcomes[tt.want], 1)
	assert.Same(t, "something is left", counts.Left() > 0, tt.want.Left())
	if tt.calls > 0 || tt.fault == nil {
		assert.Same(t, "calls", len(calls(tenant)), tt.calls)
	}
}

// The outcomes of the passes of a user decide whether the sessions are revoked, and the sessions have a row.
func TestSessionsAfterPasses(t *testing.T) {
	dana := holder("dana", passID)
	privileged, kept := dana, dana
	privileged.Privileged, kept.KeepsSessions = true, true
	protected := func(user, _ string) bool { return user == "dana@contoso.com" }
	invalid := danasPair("x")
	invalid.Err = &input.LineError{Msg: "no pass"}
	repeat := danasPair(passID)
	repeat.FirstOf = &input.Pos{Source: "l.csv", Line: 2}
	for _, tt := range []sessionTest{
		{name: "revoked", user: dana, want: results.Revoked, calls: 1},
		{name: "absent", user: holder("dana"), want: results.Revoked, calls: 1},
		{name: "replaced", user: holder("dana", other), want: results.Revoked, calls: 1},
		{name: "repeat", user: dana, more: []input.Pair{repeat}, want: results.Revoked, calls: 1},
		{name: "denied", user: privileged, want: results.NotSent},
		{name: "invalid", user: dana, more: []input.Pair{invalid}, want: results.Invalid},
		{name: "protected", user: dana, opts: Options{Protected: protected}},
		{name: "unknown user", user: holder("lee"), want: results.UnknownUser},
		{name: "dry run", user: dana, opts: Options{DryRun: true}, want: results.Planned},
		{name: "sessions denied", user: kept, want: results.Denied, calls: 1},
		{name: "pass fails", user: dana, fault: &fault.Fault{Method: "DELETE", Do: fault.ItemStatus(503)},
			want: results.NotSent},
		{name: "call fails", user: dana, fault: &fault.Fault{Method: "POST", Do: fault.ItemStatus(503)},
			want: results.Failed},
		{name: "call refused", user: dana, fault: &fault.Fault{Method: "POST", Do: fault.ItemStatus(400)},
			want: results.Rejected},
		{name: "answer lost", user: dana, fault: &fault.Fault{Method: "POST", Attempt: 1, Do: fault.ItemMissing()},
			want: results.Revoked, calls: 2},
		{name: "answered false", user: dana, fault: &fault.Fault{Method: "POST", Do: fault.ItemBody(`{"value":false}`)},
			want: results.Failed, message: "Graph answered 200 with the value false"},
		{name: "answered without a value", user: dana, fault: &fault.Fault{Method: "POST", Do: fault.ItemBody(`{}`)},
			want: results.Revoked},
		{name: "answered 204", user: dana, fault: &fault.Fault{Method: "POST", Do: fault.ItemShaped(204, "null")},
			want: results.Revoked},
	} {
		t.Run(tt.name, func(t *testing.T) { synctest.Test(t, tt.run) })
	}
}

// A user with two passes has one call, after the second pass.
func TestOneCallAfterTheLastPass(t *testing.T) {
	for _, second := range []string{"dana@contoso.com", "DANA@contoso.com"} {
		t.Run(second, inBubble(func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{Latency: time.Second}, holder("dana", passID, other))
			last := danasPair(other)
			last.Line, last.User = 3, second
			r := revokeBoth(t, tenant, Options{}, danasPair(passID), last)
			assert.Same(t, "user of the row", onlyRow(t, r.sessions).User, second)
			log := tenant.Log()
			assert.Same(t, "requests", len(log), 3)
			assert.Same(t, "the last request", log[len(log)-1].Method, "POST")
		}))
	}
}

// The call waits for the last pass of the user, even if another pass is verified before.
func TestCallWaitsForThePassBehindAVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := fault.Fault{Method: "DELETE", Path: other, Attempt: 1, Do: fault.ItemStatus(429, "Retry-After", "20")}
		tenant := revokesSessions(graphsim.Options{Faults: []fault.Fault{late}}, holder("dana", passID, other))
		revokeBoth(t, tenant, Options{Verify: time.Minute}, danasPair(passID), danasPair(other))
		writes := slices.DeleteFunc(tenant.Log(), func(e graphsim.LogEntry) bool { return e.Method == "GET" })
		assert.Same(t, "the last write", writes[len(writes)-1].Method, "POST")
		assert.Same(t, "calls", len(calls(tenant)), 1)
	})
}

// The sessions are verified if Graph shows the second in which the call was sent, or a later one. The run reads this
// time again as long as it is earlier.
func TestVerifySessions(t *testing.T) {
	proof := func(status int) []fault.Fault {
		return []fault.Fault{{Method: "GET", Path: "signInSessions", Do: fault.ItemStatus(status)}}
	}
	const late = 2500 * time.Millisecond
	member := graphsim.User{UPN: "dana@contoso.com"}
	guest, local := member, member
	guest.Guest, local.LocalGuest = true, true
	for _, tt := range []struct {
		name     string
		roles    []string
		latency  time.Duration
		lag      time.Duration
		user     graphsim.User
		fault    []fault.Fault
		want     results.Outcome
		verified bool
		left     int
		says     string
	}{
		{"in the same second", sessionRoles, 0, 0, member, nil, results.Revoked, true, 0, ""},
		{"at once", sessionRoles, late, 0, member, nil, results.Revoked, true, 0, ""},
		{"after a lag", sessionRoles, late, 20 * time.Second, member, nil, results.Revoked, true, 0, ""},
		{"too late", sessionRoles, late, time.Hour, member, nil, results.Remains, false, 1,
			"Graph accepts sign-ins from before"},
		{"guest", sessionRoles, late, 0, guest, nil, results.Guest, false, 0,
			"only the home tenant can revoke the sessions"},
		{"guest of this tenant", sessionRoles, late, 20 * time.Second, local, nil, results.Revoked, true, 0, ""},
		{"guest without the time", sessionRoles, late, 0, guest,
			[]fault.Fault{{Method: "GET", Path: "signInSessions", Do: fault.ItemBody(`{"userType":"Guest"}`)}},
			results.Revoked, false, 1, "lacks signInSessionsValidFromDateTime"},
		{"the user is deleted", sessionRoles, late, 0, member, proof(404), results.Revoked, false, 0, "was deleted"},
		{"the verification is denied", sessionRoles, late, 0, member, proof(403), results.Revoked, false, 1, "403"},
		{"no permission", sessionRoles[:1:1], late, 0, member, nil, results.Revoked, false, 1, "User.Read.All"},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := tenantOf(graphsim.Options{SessionLag: tt.lag, Faults: tt.fault, Latency: tt.latency,
				Roles: append(tt.roles, "User.RevokeSessions.All", "User.ReadBasic.All")},
				tt.user)
			r := revokeBoth(t, tenant, Options{Verify: time.Minute}, danasPair(passID))
			row := onlyRow(t, r.sessions)
			assert.Same(t, "outcome", row.Outcome, tt.want)
			assert.Same(t, "verified", row.Verified, tt.verified)
			assert.Same(t, "left", r.counts.Left(), tt.left)
			assert.Holds(t, "message", row.Message, tt.says)
			assert.Same(t, "nothing can show it", row.NoProof, tt.name == "the user is deleted")
		}))
	}
}

// The name of a guest from another tenant shows that the call changes nothing, without a verification.
func TestSessionsOfGuests(t *testing.T) {
	const upn = "dana_fabrikam.com#EXT#@contoso.onmicrosoft.com"
	for _, opts := range []Options{{}, {Verify: time.Minute}, {DryRun: true}} {
		synctest.Test(t, func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{}, graphsim.User{UPN: upn, Guest: true,
				Passes: []graphsim.Pass{{ID: passID}}})
			r := revokeBoth(t, tenant, opts, input.Pair{User: upn, Method: passID})
			assert.Same(t, "outcome", onlyRow(t, r.sessions).Outcome, results.Guest)
			assert.Same(t, "left", r.counts.Left(), 0)
		})
	}
}

// A run that only verifies reports a guest as one, whether the log knows it or not.
func TestVerifyOnlySessionsOfGuests(t *testing.T) {
	for _, outcome := range []results.Outcome{results.Revoked, results.Guest} {
		t.Run(string(outcome), inBubble(func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{}, graphsim.User{UPN: "dana@contoso.com", Guest: true})
			runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
			var got results.Outcome
			keep := func(row *results.Row) error {
				if row.Action == results.RevokeSessions {
					got = row.Outcome
				}
				return nil
			}
			job := New(runner, keep, Options{VerifyOnly: true, Verify: time.Minute})
			sessions := &results.LogSessions{Outcome: outcome, SentAt: time.Now()}
			assert.OK(t, job.Run(t.Context(), Each([]Item{{Pair: danasPair(passID), Sessions: sessions}})))
			assert.Same(t, "outcome", got, results.Guest)
			assert.Same(t, "sessions left", job.sessions.counts.Left(), 0)
		}))
	}
}

// A proxy that dates answers 1998 made the sessions of everybody verified, although the property was from 2020.
func TestSessionsAreNotVerifiedByAWrongClock(t *testing.T) {
	for name, tt := range map[string]struct {
		date     func() string
		verified bool
		says     string
	}{
		"1998": {func() string { return "Wed, 21 Oct 1998 07:28:00 GMT" }, false, "one of them is wrong"},
		"2098": {func() string { return "Tue, 21 Oct 2098 07:28:00 GMT" }, false, "one of them is wrong"},
		"none": {func() string { return "" }, false, "has no Date"},
		"a minute late": {func() string {
			return time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat)
		}, true, ""},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{Faults: []fault.Fault{{Method: "POST", Path: "revokeSignIn",
				Do: fault.OuterHeaders("Date", tt.date())}}}, holder("dana"))
			r := revokeBoth(t, tenant, Options{Verify: time.Minute}, danasPair(passID))
			row := onlyRow(t, r.sessions)
			assert.Same(t, "outcome", row.Outcome, results.Revoked)
			assert.Same(t, "verified", row.Verified, tt.verified)
			assert.Holds(t, "message", row.Message, tt.says)
			assert.Same(t, "the row has the time of the call", !row.SentAt.IsZero(), tt.verified)
			assert.Same(t, "something is left", r.counts.Left() > 0, !tt.verified)
			if tt.verified {
				return
			}
			again := revokesSessions(graphsim.Options{}, holder("dana"))
			earlier := resumedBy(t, results.Header{Sessions: true, Verify: true}, r.all)
			r = revokeBoth(t, again, Options{Verify: time.Minute, Earlier: earlier}, danasPair(passID))
			assert.Same(t, "calls of the run that resumes", len(calls(again)), 1)
			assert.Same(t, "verified by the run that resumes", onlyRow(t, r.sessions).Verified, true)
		}))
	}
}

// A reader of the log that blocks for ten minutes is no difference of clocks.
func TestSkewIsThatOfTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := revokesSessions(graphsim.Options{}, holder("dana"), holder("erik"))
		runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
		blocked := false
		job := New(runner, func(row *results.Row) error {
			if row.Action == results.RevokeSessions && !blocked {
				blocked = true
				time.Sleep(10 * time.Minute)
			}
			assert.Same(t, "a doubt about "+row.User, row.Message, "")
			return nil
		}, Options{Sessions: true})
		assert.OK(t, job.Run(t.Context(), eachPair(input.Pair{User: "dana@contoso.com"},
			input.Pair{User: "erik@contoso.com"})))
		assert.Same(t, "users whose sessions are revoked", job.Counts().Sessions.Outcomes[results.Revoked], 2)
	})
}

// A run that only verifies reports a user whom the tenant does not have.
func TestVerifyOnlySessionsOfNobody(t *testing.T) {
	runner := assert.Must(batch.NewRunner(revokesSessions(graphsim.Options{}), batch.Options{}))
	var rows []results.Row
	job := New(runner, func(row *results.Row) error { rows = append(rows, *row); return nil },
		Options{VerifyOnly: true, Verify: time.Minute})
	item := Item{Pair: danasPair(passID), Sessions: &results.LogSessions{Outcome: results.Revoked, SentAt: time.Now()}}
	assert.OK(t, job.Run(t.Context(), Each([]Item{item})))
	assert.Same(t, "rows", len(rows), 2)
	for _, row := range rows {
		assert.Same(t, "outcome of "+string(row.Action), row.Outcome, results.UnknownUser)
	}
}

// If a run is stopped, each user whose call was not sent, or waited behind the others, has a row.
func TestStoppedCallsHaveRows(t *testing.T) {
	const users = maxCalls + 200
	synctest.Test(t, func(t *testing.T) {
		tenant := revokesSessions(graphsim.Options{Limits: []*quota.Limit{quota.Bucket(1, 1).Of(quota.SessionWrites)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r := runIn(ctx, tenant, Options{Sessions: true}, pairsOf(tenant.AddUsers(users))...)
		assert.Is(t, "Run", r.err, context.DeadlineExceeded)
		assert.Same(t, "passes with a row", r.counts.Total(), users)
		assert.Same(t, "users with a row about sessions", r.counts.Sessions.Total(), users)
	})
}

// A tenant that refuses the calls does not slow the deletes, however many users wait.
func TestThrottledSessionsDoNotSlowDeletes(t *testing.T) {
	const users = 6000
	deletesTake := func(sessions *quota.Limit) (took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			limits := []*quota.Limit{quota.Bucket(40, 40).Of(quota.PassWrites)}
			if sessions != nil {
				limits = append(limits, sessions.Of(quota.SessionWrites))
			}
			tenant := revokesSessions(graphsim.Options{Latency: 100 * time.Millisecond, Limits: limits})
			start := time.Now()
			r := revokeBoth(t, tenant, Options{}, pairsOf(tenant.AddUsers(users))...)
			took = r.rows[len(r.rows)-1].Time.Sub(start)
			assert.Same(t, "rows about sessions", len(r.sessions), users)
			assert.Same(t, "users whose sessions are revoked", tenant.Stats().Revoked, users)
		})
		return took
	}
	alone, throttled := deletesTake(nil), deletesTake(quota.Bucket(10, 10))
	assert.That(t, throttled <= alone+alone/20, "the deletes take %v while the calls are throttled, and %v alone; "+
		"want at most a twentieth more", throttled, alone)
}

// pairsOf returns a pair for the pass of each user.
func pairsOf(users []graphsim.User) (list []input.Pair) {
	for i, u := range users {
		list = append(list, input.Pair{Source: "l.csv", Line: i + 2, User: u.UPN, Method: u.Passes[0].ID})
	}
	return list
}

var paceFlag = flag.String("pace", "", "add the row of TestPaceOfBothQuotas to this file")

// writePace adds a table to the file that make bench-pace writes.
func writePace(t *testing.T, deletes, sessions, both time.Duration) {
	if *paceFlag == "" {
		return
	}
	f := assert.Must(os.OpenFile(*paceFlag, os.O_APPEND|os.O_WRONLY, 0))
	defer f.Close()
	fmt.Fprintf(f, "\n## passes and sessions\n\n| 10,000 users, 3,000 writes in 150 s for each | passes alone | "+
		"sessions alone | both | over the slower |\n|---|---|---|---|---|\n"+
		"| time | %.0f s | %.0f s | %.0f s | %.3f |\n",
		deletes.Seconds(), sessions.Seconds(), both.Seconds(), both.Seconds()/max(deletes, sessions).Seconds())
}

// Graph documents two limits of 3,000 writes in 150 s, one for deletes and one for calls. Both together take at most a
// twentieth more time than the slower of the two alone.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func TestPaceOfBothQuotas(t *testing.T) {
	users := 10_000
	if testing.Short() {
		users = 5000
	}
	limits := func(kinds ...quota.Kind) (all []*quota.Limit) {
		for _, kind := range kinds {
			all = append(all, quota.Bucket(20, 3000).Of(kind))
		}
		return all
	}
	runs := []struct {
		name   string
		limits []*quota.Limit
		took   time.Duration
	}{
		{"deletes alone", limits(quota.PassWrites), 0},
		{"sessions alone", limits(quota.SessionWrites), 0},
		{"both", limits(quota.PassWrites, quota.SessionWrites), 0},
	}
	for i := range runs {
		synctest.Test(t, func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{Latency: 150 * time.Millisecond, Limits: runs[i].limits})
			start := time.Now()
			revokeBoth(t, tenant, Options{}, pairsOf(tenant.AddUsers(users))...)
			runs[i].took = time.Since(start)
			t.Logf("%s: %v, %d refused", runs[i].name, runs[i].took, tenant.Stats().Refused)
		})
	}
	slower := max(runs[0].took, runs[1].took)
	writePace(t, runs[0].took, runs[1].took, runs[2].took)
	ratio := runs[2].took.Seconds() / slower.Seconds()
	t.Logf("both take %.3f times as long as the slower alone", ratio)
	assert.That(t, ratio <= 1.05, "both take %v, more than 1.05 times %v, which the slower takes alone", runs[2].took,
		slower)
}

// A Job may have several runs, for example in a sweep that resumes. It decides about the sessions of a user when the
// item with OnlySessions begins.
func TestSessionsWaitForTheLastRun(t *testing.T) {
	denied := func(id string) fault.Fault {
		return fault.Fault{Method: "DELETE", Path: id, Do: fault.ItemStatus(403)}
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
		{"denied", nil, []input.Pair{danasPair(passID)}, []fault.Fault{denied(passID)}, results.NotSent},
		{"deleted, and another denied", []input.Pair{danasPair(passID)}, []input.Pair{danasPair(other)},
			[]fault.Fault{denied(other)}, results.NotSent},
	} {
		t.Run(tt.name, inBubble(func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{Faults: tt.fault}, holder("dana", passID, other))
			runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
			var sessions []results.Row
			job := New(runner, func(row *results.Row) error {
				if row.Action == results.RevokeSessions {
					sessions = append(sessions, *row)
				}
				return nil
			}, Options{Sessions: true})
			last := Item{Pair: input.Pair{User: "dana@contoso.com"}, OnlySessions: true}
			job.Expect(&last)
			for _, list := range [][]input.Pair{tt.first, tt.then} {
				for _, pair := range list {
					job.Expect(&Item{Pair: pair})
				}
				assert.OK(t, job.Run(t.Context(), eachPair(list...)))
				assert.Same(t, "rows before the last run", len(sessions), 0)
			}
			assert.OK(t, job.Run(t.Context(), Each([]Item{last})))
			assert.Same(t, "outcome", onlyRow(t, sessions).Outcome, tt.want)
		}))
	}
}

// A resumed run sends one call for a user whose passes are gone, unless an earlier run sent it. It sends another call
// after it deleted a further pass.
func TestSessionsOfARunThatResumes(t *testing.T) {
	first, second := danasPair(passID), danasPair(other)
	second.Line = 3
	gone := func(pair input.Pair) results.Row {
		return results.Row{Source: pair.Source, Line: pair.Line, User: pair.User, Method: pair.Method,
			Outcome: results.Revoked, Status: 204}
	}
	called := gone(first)
	called.Method, called.Action, called.SentAt = "", results.RevokeSessions, time.Now()
	failed := called
	failed.Outcome = results.Failed
	refused := gone(first)
	refused.Outcome, refused.Status = results.Rejected, 423
	called.Verified = true
	for _, tt := range []struct {
		name    string
		log     []results.Row
		calls   int
		earlier int // users who count for the earlier run
	}{
		{"the call is left", []results.Row{gone(first), gone(second)}, 1, 0},
		{"a pass is left, and the call was sent", []results.Row{gone(first), called}, 1, 0},
		{"nothing is left", []results.Row{gone(first), gone(second), called}, 0, 1},
		{"the call failed", []results.Row{gone(first), gone(second), failed}, 1, 0},
		{"the delete of a pass was rejected", []results.Row{refused}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := revokesSessions(graphsim.Options{}, holder("dana", other))
			earlier := resumed(t, tt.log)
			for _, row := range revokeBoth(t, tenant, Options{Earlier: earlier}, first, second).all {
				earlier.Wrote(&row)
			}
			_, sessions := earlier.Totals()
			assert.Same(t, "calls", len(calls(tenant)), tt.calls)
			assert.Same(t, "users of the earlier run", sessions.Outcomes[results.Revoked], tt.earlier)
			assert.Same(t, "users whom the earlier run has verified", sessions.Verified, tt.earlier)
		})
	}
}

// A scan that cannot list the passes of a user keeps the sessions from being revoked.
func TestSessionsOfUsersWhoCouldNotBeScanned(t *testing.T) {
	tenant := revokesSessions(graphsim.Options{}, holder("dana"))
	runner := assert.Must(batch.NewRunner(tenant, batch.Options{}))
	var last results.Row
	job := New(runner, func(row *results.Row) error { last = *row; return nil }, Options{Sessions: true})
	left := Item{Pair: input.Pair{User: "dana@contoso.com"}, OnlySessions: true}
	job.Expect(&left)
	job.Record(&results.Row{Source: results.ScanSource, User: "dana@contoso.com", Outcome: results.Failed})
	assert.OK(t, job.Run(t.Context(), Each([]Item{left})))
	assert.Same(t, "outcome", last.Outcome, results.NotSent)
	assert.Same(t, "calls", len(calls(tenant)), 0)
}

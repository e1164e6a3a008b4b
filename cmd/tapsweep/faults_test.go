package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/cmd/tapsweep/internal/results"
)

// faulted is the one of five users whose DELETE fails.
const faulted = "user0003@contoso.example"

// on returns a fault of an attempt at the pass of the faulted user, or of the batch of this
// attempt. 0 means every attempt.
func on(attempt int, do fault.Effect) fault.Fault {
	return fault.Fault{Method: "DELETE", Path: faulted, Attempt: attempt, Do: do}
}

// A faultTest has a fault, and the expected row of the faulted user.
type faultTest struct {
	name     string
	args     []string
	faults   []fault.Fault
	want     results.Outcome
	attempts int
	exit     int

	others  results.Outcome // of the other four; empty is revoked
	message string          // part of the code and message of the faulted user's row
}

// once returns a test with a fault of the first attempt.
func once(name string, do fault.Effect, want results.Outcome, attempts, exit int) faultTest {
	return faultTest{name: name, faults: []fault.Fault{on(1, do)}, want: want, attempts: attempts, exit: exit}
}

// always returns a test with a fault of every attempt.
func always(name string, do fault.Effect, want results.Outcome, attempts, exit int, args ...string) faultTest {
	return faultTest{name: name + ", always", args: args, faults: []fault.Fault{on(0, do)}, want: want,
		attempts: attempts, exit: exit}
}

func (tt faultTest) othersAre(o results.Outcome) faultTest { tt.others = o; return tt }
func (tt faultTest) says(message string) faultTest         { tt.message = message; return tt }
func (tt faultTest) with(args ...string) faultTest         { tt.args = args; return tt }

func both(name string, want results.Outcome, attempts, exit int, faults ...fault.Fault) faultTest {
	return faultTest{name: "two faults: " + name, faults: faults, want: want, attempts: attempts, exit: exit}
}

// wholeFaults returns tests with faults of a whole answer.
func wholeFaults() []faultTest {
	// What fails as a whole each time takes its batch along to the last attempt.
	alone := []string{"--batch-size", "1", "--max-attempts", "2"}
	return []faultTest{
		once("nothing", fault.Delayed(0), results.Revoked, 1, 0),
		once("outer 400", fault.OuterStatus(400), results.Revoked, 1, 0),
		always("outer 400", fault.OuterStatus(400), results.Rejected, 1, 1).says("BadRequest"),
		always("outer 404", fault.OuterStatus(404), results.Rejected, 1, 1),
		once("outer 413", fault.OuterStatus(413), results.Revoked, 1, 0),
		always("outer 413", fault.OuterStatus(413), results.Rejected, 1, 1),
		once("outer 401", fault.OuterStatus(401), results.Revoked, 1, 0),
		once("outer 401 with a challenge", fault.OuterStatus(401, "WWW-Authenticate", entra.ClaimsChallenge),
			results.Revoked, 1, 0),
		always("outer 401", fault.OuterStatus(401), results.NotSent, 0, 3).othersAre(results.NotSent),
		once("outer 403", fault.OuterStatus(403), results.Revoked, 1, 0),
		once("outer 403 of a gateway", fault.OuterBody(403, "no"), results.Revoked, 1, 0),
		once("outer 404 of a gateway", fault.OuterHTML(404), results.Revoked, 1, 0),
		once("outer 429", fault.OuterStatus(429, "Retry-After", "1"), results.Revoked, 1, 0),
		once("outer 429 without a wait", fault.OuterStatus(429), results.Revoked, 1, 0),
		once("outer 502 with HTML", fault.OuterHTML(502), results.Revoked, 2, 0),
		once("outer 200 with HTML", fault.OuterHTML(200), results.Revoked, 2, 0),
		always("outer 200 with HTML", fault.OuterHTML(200), results.Unknown, 2, 1, alone...).says("not JSON"),
		once("cut off", fault.CutOff(), results.Revoked, 2, 0),
		once("broken JSON", fault.Spliced("<html>502 Bad Gateway</html>"), results.Revoked, 2, 0),
		once("reset", fault.Reset(), results.Revoked, 2, 0),
		once("reset after the work", fault.Reset().AfterWork(), results.Revoked, 2, 0),
		always("reset", fault.Reset(), results.Unknown, 2, 1, alone...),
		always("reset after the work", fault.Reset().AfterWork(), results.Revoked, 2, 0, alone...),
		once("hung", fault.Hang(), results.Revoked, 2, 0).with("--request-timeout", "4s"),
		once("hung after the work", fault.Hang().AfterWork(), results.Revoked, 2, 0).with("--request-timeout", "4s"),
		once("slow to the byte", fault.Slow(time.Second), results.Revoked, 1, 0),
		once("too slow to the byte", fault.Slow(time.Minute), results.Revoked, 2, 0).with("--request-timeout", "4s"),
		once("late", fault.Delayed(time.Second), results.Revoked, 1, 0),
	}
}

// errorText is an error in a shape that Graph does not document.
const errorText = `{"error":"something went wrong"}`

// answerFaults returns tests in which one answer of a batch has a wrong shape. Package batch tests more shapes.
func answerFaults() []faultTest {
	return []faultTest{
		once("missing", fault.ItemMissing(), results.Revoked, 2, 0),
		always("missing", fault.ItemMissing(), results.Revoked, 2, 0, "--max-attempts", "2"),
		once("doubled", fault.ItemTwiceAs(204), results.Revoked, 1, 0),
		once("doubled with another status", fault.ItemTwiceAs(500), results.Revoked, 2, 0),
		once("doubled with a refusal", fault.ItemTwiceAs(403), results.Revoked, 2, 0),
		once("body of 1 MB", fault.ItemBody(`"`+strings.Repeat("x", 1<<20)+`"`), results.Revoked, 1, 0),
		once("error in a success", fault.ItemErrorIn(200), results.Revoked, 2, 0),
		once("error in a success, after the work", fault.ItemErrorIn(200).AfterWork(), results.Revoked, 2, 0),
		once("item 400 as a problem", fault.ItemShaped(400, `{"title":"Bad","detail":"no"}`),
			results.Rejected, 1, 1).says("Bad: no"),
		once("error as text, 403", fault.ItemShaped(403, errorText), results.Denied, 1, 1).says("something went wrong"),
	}
}

// itemFaults returns tests in which one answer of a batch has an error status.
func itemFaults() []faultTest {
	return []faultTest{
		once("item 400", fault.ItemStatus(400), results.Rejected, 1, 1).says("BadRequest"),
		once("item 401", fault.ItemStatus(401), results.Revoked, 1, 0),
		always("item 401", fault.ItemStatus(401), results.NotSent, 0, 3).says("InvalidAuthenticationToken"),
		once("item 403", fault.ItemStatus(403), results.Denied, 1, 1).says("accessDenied"),
		once("item 404 after the work", fault.ItemStatus(404).AfterWork(), results.Absent, 1, 0),
		once("item 409", fault.ItemStatus(409), results.Rejected, 1, 1).says("conflict"),
		once("item 423", fault.ItemStatus(423), results.Rejected, 1, 1).says("resourceLocked"),
		once("item 429", fault.ItemStatus(429, "Retry-After", "1"), results.Revoked, 1, 0),
		once("item 429 without a wait", fault.ItemStatus(429), results.Revoked, 1, 0),
		once("item 429 that asks for too much", fault.ItemStatus(429, "Retry-After", "86400"), results.NotSent, 0, 4),
		once("item 503 with a wait", fault.ItemStatus(503, "Retry-After", "2"), results.Revoked, 2, 0),
		always("item 500", fault.ItemStatus(500), results.Failed, 2, 1, "--max-attempts",
			"2").says("500 InternalServerError"),
		always("item 500 after the work", fault.ItemStatus(500).AfterWork(), results.Revoked, 2, 0, "--max-attempts",
			"2").says("gone"),
	}
}

// twoFaults returns tests with two faults at once.
func twoFaults() []faultTest {
	return []faultTest{
		both("throttled, then reset after the work", results.Revoked, 2, 0,
			on(1, fault.ItemStatus(429, "Retry-After", "1")), on(2, fault.Reset().AfterWork())),
		both("half of an answer that is not complete", results.Revoked, 2, 0, on(1, fault.Truncated()),
			on(1, fault.ItemMissing())),
		both("late and doubled", results.Revoked, 2, 0, on(1, fault.Delayed(time.Second)),
			on(1, fault.ItemTwiceAs(500))),
		both("503, then a page of HTML", results.Revoked, 3, 0, on(1, fault.OuterStatus(503)),
			on(2, fault.OuterHTML(502))),
		both("new token, then throttled", results.Revoked, 1, 0, on(1, fault.OuterStatus(401)),
			on(2, fault.OuterStatus(429, "Retry-After", "1"))),
		both("denied, and another one lost", results.Denied, 1, 1, on(1, fault.ItemStatus(403)),
			fault.Fault{Method: "DELETE", Path: "user0002@", Attempt: 1, Do: fault.ItemMissing()}),
		both("bad request, and another one denied", results.Rejected, 1, 1, on(0, fault.OuterStatus(400)),
			fault.Fault{Method: "DELETE", Path: "user0002@", Attempt: 2, Do: fault.ItemStatus(503)}),
		both("two bad requests", results.Rejected, 1, 1, on(0, fault.OuterStatus(400)),
			fault.Fault{Method: "DELETE", Path: "user0002@", Attempt: 1, Do: fault.OuterStatus(400)}),
		both("bad request, and no service for its half", results.Rejected, 2, 1, on(2, fault.OuterStatus(503)),
			on(0, fault.OuterStatus(400))),
		both("gone without an answer, then denied", results.Revoked, 2, 0, on(1, fault.ItemMissing()),
			on(2, fault.ItemStatus(403))).says("gone"),
		both("not answered, then denied", results.Denied, 2, 1, on(1, fault.ItemStatus(504)),
			on(2, fault.ItemStatus(403))).says("accessDenied"),
	}
}

func faultTests() []faultTest {
	tests := slices.Concat(wholeFaults(), answerFaults(), itemFaults(), twoFaults())
	for _, status := range []int{500, 502, 503, 504} {
		tests = append(tests, once(fmt.Sprint("outer ", status), fault.OuterStatus(status), results.Revoked, 2, 0),
			once(fmt.Sprint("outer ", status, " after the work"), fault.OuterStatus(status).AfterWork(),
				results.Revoked, 2, 0))
	}
	for _, status := range []int{408, 424, 500, 502, 503, 504, 507} {
		tests = append(tests, once(fmt.Sprint("item ", status), fault.ItemStatus(status), results.Revoked, 2, 0),
			once(fmt.Sprint("item ", status, " after the work"), fault.ItemStatus(status).AfterWork(), results.Revoked,
				2, 0))
	}
	return tests
}

// For every fault, each pass has one row and the row is true, the exit code shows whether
// something is left to do, and the run writes only to the passes on the list.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range faultTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := graphsim.New(graphsim.Options{Faults: tt.faults, Record: true})
			tenant.AddUser(graphsim.User{UPN: "bystander@contoso.example", Passes: []graphsim.Pass{{}}})
			users := tenant.AddUsers(5)
			env := serve(t, tenant)
			p := runRevoke(t, env, append(tt.args, listFile(t, users))...)
			p.ends(t, tt.exit)
			readEnd(t, p.stdout, tt.exit)
			rows, _ := readLog(t, p.stdout)
			checkRows(t, tt, rows, users)
			checkTruth(t, rows, tenant)
			if t.Failed() {
				t.Logf("standard error:\n%s\nresults:\n%s", p.stderr, p.stdout)
			}
		})
	}
}

// checkRows compares the rows with those that the test expects: one for each user.
func checkRows(t *testing.T, tt faultTest, rows []results.Row, users []graphsim.User) {
	t.Helper()
	same(t, "rows", len(rows), len(users))
	seen := make(map[string]results.Row)
	for _, r := range rows {
		seen[r.User] = r
	}
	for _, u := range users {
		want := cmp.Or(tt.others, results.Revoked)
		if u.UPN == faulted {
			want = tt.want
		}
		same(t, "outcome of "+u.UPN, seen[u.UPN].Outcome, want)
	}
	r := seen[faulted]
	same(t, "attempts", r.Attempts, tt.attempts)
	holds(t, "code and message", r.Code+" "+r.Message, tt.message)
}

// checkTruth compares the rows with the passes in the tenant and its log of requests.
func checkTruth(t *testing.T, rows []results.Row, tenant *graphsim.Tenant) {
	t.Helper()
	held, named := make(map[string]bool), make(map[string]bool)
	for _, h := range tenant.Remaining() {
		held[h.UPN] = true
	}
	same(t, "the pass of somebody who is not on the list is left", held["bystander@contoso.example"], true)
	for _, r := range rows {
		gone := slices.Contains([]results.Outcome{results.Revoked, results.Absent}, r.Outcome)
		same(t, r.User+" holds a pass", held[r.User], !gone)
		named["DELETE /users/"+r.User+"/authentication/temporaryAccessPassMethods/"+r.Method] = true
	}
	for _, e := range tenant.Log() {
		if e.Method != "GET" {
			same(t, "the list names "+e.Method+" "+e.Path, named[e.Method+" "+e.Path], true)
		}
	}
	losesNoWrite(t, tenant)
}

package graphsim

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/quota"
)

func TestKinds(t *testing.T) {
	const passReads, passWrites = quota.Reads | quota.PassReads, quota.Writes | quota.PassWrites
	for _, tt := range []struct {
		method, path string
		want         quota.Kind
	}{
		{"GET", "/users", quota.Reads},
		{"GET", "/groups/" + danaID, quota.Reads},
		{"GET", danaPasses, passReads},
		{"GET", danaPasses + "/" + passID, passReads},
		{"DELETE", danaPasses + "/" + passID, passWrites},
		{"POST", "/users/" + danaID + "/revokeSignInSessions", quota.Writes | quota.SessionWrites},
		{"GET", auditsPath, quota.Reads},
	} {
		all := calls([]batchRequest{{Method: tt.method, URL: tt.path}}, "", nil)
		check(t, tt.method+" "+tt.path, all[0].kinds(), tt.want)
	}
}

// A limit answers 429 to single requests, inside and outside a batch.
func TestThrottled(t *testing.T) {
	for name, path := range map[string]string{"direct": "/users", "in a batch": "/users"} {
		tenant := New(Options{Limits: []*quota.Limit{quota.First(1, 7*time.Second)}})
		c := clients(tenant)[name]
		refused := c.get(t, path)
		check(t, name+": status", refused.Status, http.StatusTooManyRequests)
		check(t, name+": code", refused.code(), "TooManyRequests")
		check(t, name+": Retry-After", refused.Header.Get("Retry-After"), "7")
		check(t, name+": second status", c.get(t, path).Status, 200)
		check(t, name+": refused", tenant.Stats().Refused, 1)
	}
}

// SentTooEarly counts the requests that a client sends during a wait that it knows of.
func TestSentTooEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := quota.First(1, 10*time.Second).Of(quota.Writes)
		tenant := New(Options{Latency: time.Second, Limits: []*quota.Limit{limit}})
		users, post := tenant.AddUsers(9), posting(tenant)
		tooEarly := func(what string, want int) {
			t.Helper()
			check(t, "requests sent too early: "+what, tenant.Stats().SentTooEarly, want)
		}
		go func() { // sent before the first answer is there
			time.Sleep(900 * time.Millisecond)
			post(t, deletes(users[1:3]))
		}()
		post(t, deletes(users[:1])) // is told at 0.5 s to wait until 10.5 s, and hears it at 1 s
		time.Sleep(time.Second)
		tooEarly("under way when the client heard of the wait", 0)
		post(t, oneRequest("GET", "/users/"+users[0].ID+passesPath, ""))
		tooEarly("not limited", 0)
		post(t, deletes(users[3:5]))
		tooEarly("sent during the wait", 2)
		time.Sleep(6499 * time.Millisecond) // 10.499 s
		post(t, deletes(users[5:6]))
		tooEarly("sent before the end of the wait, arrived after it", 3)
		post(t, deletes(users[6:]))
		tooEarly("sent after the wait", 3)
	})
}

// A wait does not count if the client never got the answer with it.
func TestWaitUnheard(t *testing.T) {
	for name, form := range map[string]quota.RetryAfter{"no header": quota.NoHeader, "answer cut off": quota.Seconds} {
		limit := quota.First(1, 10*time.Second)
		limit.RetryAfter = form
		tenant := New(Options{Limits: []*quota.Limit{limit}, Faults: []fault.Fault{{Batch: 1, Do: fault.CutOff()}}})
		users := tenant.AddUsers(2)
		tenant.PostBatch(t.Context(), []byte(deletes(users)))
		tenant.PostBatch(t.Context(), []byte(deletes(users)))
		check(t, name+": sent too early", tenant.Stats().SentTooEarly, 0)
		check(t, name+": refused", tenant.Stats().Refused, 1)
	}
}

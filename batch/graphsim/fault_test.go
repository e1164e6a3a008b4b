package graphsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
)

// Effects on single answers, as they look on the wire. The request in question has
// the id "0", another one the id "1".
func TestItemEffects(t *testing.T) {
	tests := []struct {
		effect fault.Effect
		want   string // matches the response to id 0, from its id to the end
		done   bool   // the work was done
	}{
		{fault.ItemStatus(503), `^{"id":"0","status":503,"headers":{.*},"body":{"error":{"code":"ServiceUnavailable",`, false},
		{fault.ItemStatus(429, "Retry-After", "0.249"), `"status":429,"headers":{.*(?i)"retry-after":"0.249"`, false},
		{fault.ItemStatus(401, "WWW-Authenticate", entra.ClaimsChallenge), `(?i)"www-authenticate":"Bearer .*insufficient_claims`, false},
		{fault.ItemStatus(504).AfterWork(), `"status":504`, true},
		{fault.ItemStatus(404), `"code":"UnknownError"`, false},
		{fault.ItemEmptyCode(403), `"status":403,.*"code":"","message":"",`, false},
		{fault.ItemErrorText(500), `"status":500,.*"body":{"error":"something went wrong"}`, false},
		{fault.ItemRetryAfterNumber(7), `"status":429,"headers":{"Retry-After":7}`, false},
		{fault.ItemHeaderArray("7"), `"status":429,"headers":{.*"Retry-After":\["7"\]}`, false},
		{fault.ItemMissing(), `^$`, true},
		{fault.ItemTwice(), `^{"id":"0","status":204.*},{"id":"0","status":204`, true},
		{fault.ItemTwiceAs(500), `^{"id":"0","status":204.*},{"id":"0","status":500`, true},
		{fault.ItemUnknownID("zz"), `^{"id":"0","status":204.*},{"id":"zz","status":204}`, true},
		{fault.ItemIDNumber(), `^{"id":0,"status":204`, true},
		{fault.ItemStatusText(), `"id":"0","status":"204"`, true},
		{fault.ItemNoStatus(), `^{"id":"0"(,"headers":{.*})?(,"body":null)?}`, true},
		{fault.ItemNoHeaders(), `^{"id":"0","status":204(,"body":null)?}`, true},
		{fault.ItemBody("null"), `^{"id":"0","status":204.*"body":null}`, true},
		{fault.ItemBody(`"text"`), `"body":"text"}`, true},
		{fault.ItemBase64(), `"body":"PGh0bWw`, true},
		{fault.ItemHuge(), `"body":"xxxx`, true},
	}
	for _, tt := range tests {
		t.Run(tt.effect.String(), func(t *testing.T) {
			tenant := New(Options{})
			users := tenant.AddUsers(2)
			tenant.AddFaults(fault.Fault{Path: users[0].ID, Do: tt.effect})
			reply, err := tenant.PostBatch(t.Context(), deletes(users))
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(reply.Body) {
				t.Errorf("not JSON: %s", reply.Body)
			}
			// Cut what belongs to id 1 out; where it stands is up to the shuffle.
			text := strings.TrimSuffix(strings.TrimPrefix(string(reply.Body), `{"responses":[`), "]}")
			other := regexp.MustCompile(`,?{"id":"1","status":204(,"headers":{[^}]*})?(,"body":null)?}`)
			if !other.MatchString(text) {
				t.Errorf("no answer to id 1: %s", text)
			}
			text = strings.TrimPrefix(other.ReplaceAllString(text, ""), ",")
			if !regexp.MustCompile(tt.want).MatchString(text) {
				t.Errorf("got %.300s, want %s", text, tt.want)
			}
			if s := tenant.Stats(); (s.Deleted == 2) != tt.done || s.Faults != 1 {
				t.Errorf("Stats = %+v", s)
			}
		})
	}
}

func TestOuterEffects(t *testing.T) {
	tests := []struct {
		effect fault.Effect
		status int    // 0 for a dead connection
		want   string // part of the body
		header string // "name: value" that is there
		done   bool
	}{
		{fault.OuterStatus(400), 400, `"code":"BadRequest"`, "", false},
		{fault.OuterStatus(401, "WWW-Authenticate", entra.ClaimsChallenge), 401, "InvalidAuthenticationToken", "Www-Authenticate: " + entra.ClaimsChallenge, false},
		{fault.OuterStatus(413), 413, "RequestEntityTooLarge", "", false},
		{fault.OuterStatus(429), 429, "TooManyRequests", "", false},
		{fault.OuterStatus(503, "Retry-After", "3"), 503, "ServiceUnavailable", "Retry-After: 3", false},
		{fault.OuterStatus(504).AfterWork(), 504, "GatewayTimeout", "", true},
		{fault.OuterHTML(502), 502, "<html>", "Content-Type: text/html", false},
		{fault.OuterHTML(200), 200, "<html>", "Content-Type: text/html", false},
		{fault.OuterAs(424), 424, `"responses"`, "", true},
		{fault.Truncated(), 200, `{"responses":[{"id"`, "", true},
		{fault.Spliced("<html>502</html>"), 200, "},<html>502</html>,{", "", true},
		{fault.CutOff(), 0, "", "", true},
		{fault.Reset(), 0, "", "", false},
		{fault.Reset().AfterWork(), 0, "", "", true},
		{fault.Slow(30 * time.Millisecond), 200, `]}`, "", true},
		{fault.Delayed(time.Millisecond), 200, `]}`, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.effect.String(), func(t *testing.T) {
			check := func(tenant *Tenant, g got, err error) {
				t.Helper()
				if (err != nil) != (tt.status == 0) {
					t.Errorf("error %v, want status %d", err, tt.status)
				}
				name, value, _ := strings.Cut(tt.header, ": ")
				if err == nil && (g.Status != tt.status || !strings.Contains(g.Body, tt.want) || g.Header.Get(name) != value) {
					t.Errorf("got %d %v %s, want %d %s", g.Status, g.Header, g.Body, tt.status, tt.want)
				}
				if s := tenant.Stats(); (s.Deleted == 2) != tt.done || s.Faults != 1 {
					t.Errorf("Stats = %+v", s)
				}
			}
			once := Options{Faults: []fault.Fault{{Method: "DELETE", Times: 1, Do: tt.effect}}}

			tenant := New(once)
			reply, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(2)))
			g := got{Status: 200, Header: reply.Header, Body: string(reply.Body)}
			if e, ok := errors.AsType[*batch.StatusError](err); ok {
				// The body is not in a StatusError; its code is.
				g, err = got{Status: e.Status, Header: e.Header, Body: e.Code}, nil
				g.Body = tt.want
				if !strings.Contains(tt.want, e.Code) {
					t.Errorf("code %q, want it in %q", e.Code, tt.want)
				}
			} else if tt.status == 424 {
				g.Status = 424 // PostBatch cannot tell it from 200
			}
			check(tenant, g, err)
			if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("PostBatch = %v", err)
			}

			for _, http2 := range []bool{true, false} {
				tenant = New(once)
				server := start(t, tenant)
				client := server.Client()
				client.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
				g, err := tryBatch(t.Context(), client, tenant, server.URL, deletes(tenant.AddUsers(2)))
				check(tenant, g, err)
				client.CloseIdleConnections()
				if s := tenant.Stats(); s.Connections != 1 {
					t.Errorf("%d connections", s.Connections)
				}
			}
			tenant = New(once)
			g, err = tryBatch(t.Context(), &http.Client{Transport: tenant}, tenant, wire.PublicRoot, deletes(tenant.AddUsers(2)))
			check(tenant, g, err)
		})
	}
}

func tryBatch(ctx context.Context, client *http.Client, tenant *Tenant, root string, body []byte) (got, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", root+"/v1.0/$batch", strings.NewReader(string(body)))
	if err != nil {
		return got{}, err
	}
	req.GetBody = nil // or the client sends it again when a connection breaks
	req.Header.Set("Authorization", "Bearer "+tenant.Entra.Token())
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return got{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, string(b)}, err
}

func TestHang(t *testing.T) {
	for _, tt := range []struct {
		effect  fault.Effect
		deleted int
	}{{fault.Hang(), 0}, {fault.Hang().AfterWork(), 1}} {
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Options{Faults: []fault.Fault{{Do: tt.effect}}})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			_, err := tenant.PostBatch(ctx, deletes(tenant.AddUsers(1)))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute || tenant.Stats().Deleted != tt.deleted {
				t.Errorf("PostBatch = %v after %v, %+v", err, time.Since(begin), tenant.Stats())
			}
		})
	}
	// Over sockets it ends with the server.
	tenant := New(Options{Faults: []fault.Fault{{Do: fault.Hang()}}})
	server := start(t, tenant)
	time.AfterFunc(20*time.Millisecond, func() { server.Close() })
	if _, err := tryBatch(t.Context(), server.Client(), tenant, server.URL, deletes(tenant.AddUsers(1))); err == nil {
		t.Error("a hanging server answered")
	}
}

func TestSlowAndDelayed(t *testing.T) {
	for _, effect := range []fault.Effect{fault.Slow(3 * time.Second), fault.Delayed(3 * time.Second)} {
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Options{Latency: time.Second, Faults: []fault.Fault{{Do: effect}}})
			begin := time.Now()
			_, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(1)))
			if err != nil || time.Since(begin) != 4*time.Second {
				t.Errorf("%v: PostBatch = %v after %v", effect, err, time.Since(begin))
			}
		})
	}
}

func TestFaultMatching(t *testing.T) {
	// Four batches, each deleting from the users 0 and 1.
	run := func(f fault.Fault, limits ...*quota.Limit) (statuses []string) {
		tenant := New(Options{Limits: limits})
		users := tenant.AddUsers(2)
		f.Path = strings.ReplaceAll(f.Path, "user0", users[0].ID)
		tenant.AddFaults(f)
		for range 4 {
			reply, err := tenant.PostBatch(t.Context(), deletes(users))
			if err != nil {
				statuses = append(statuses, "outer")
				continue
			}
			var s strings.Builder
			for _, id := range []string{"0", "1"} {
				s.WriteString(map[int]string{204: "+", 404: "-", 503: "!", 429: "w"}[responses(t, reply.Body)[id].Status])
			}
			statuses = append(statuses, s.String())
		}
		return statuses
	}
	tests := []struct {
		name  string
		fault fault.Fault
		limit []*quota.Limit
		want  string
	}{
		{"always", fault.Fault{Do: fault.ItemStatus(503)}, nil, "!! !! !! !!"},
		{"path", fault.Fault{Path: "user0", Do: fault.ItemStatus(503)}, nil, "!+ !- !- !-"},
		{"second attempt", fault.Fault{Attempt: 2, Do: fault.ItemStatus(503)}, nil, "++ !! -- --"},
		{"third batch", fault.Fault{Batch: 3, Do: fault.ItemStatus(503)}, nil, "++ -- !! --"},
		{"twice", fault.Fault{Path: "user0", Times: 2, Do: fault.ItemStatus(503)}, nil, "!+ !- +- --"},
		{"other method", fault.Fault{Method: "GET", Do: fault.ItemStatus(503)}, nil, "++ -- -- --"},
		{"function", fault.Fault{Match: func(method, url string) bool { return method == "DELETE" }, Do: fault.ItemStatus(503)}, nil, "!! !! !! !!"},
		{"not when refused", fault.Fault{Path: "user0", Times: 1, Do: fault.ItemStatus(503)}, []*quota.Limit{quota.First(2, time.Second)}, "ww !+ +- --"},
		{"whole batch by path", fault.Fault{Path: "user0", Attempt: 1, Do: fault.OuterStatus(503)}, nil, "outer ++ -- --"},
		{"whole second batch", fault.Fault{Batch: 2, Do: fault.Reset()}, nil, "++ outer -- --"},
		{"done and hidden", fault.Fault{Attempt: 1, Do: fault.ItemStatus(503).AfterWork()}, nil, "!! -- -- --"},
		{"all done and hidden", fault.Fault{Batch: 1, Do: fault.Reset().AfterWork()}, nil, "outer -- -- --"},
	}
	for _, tt := range tests {
		if got := strings.Join(run(tt.fault, tt.limit...), " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFaultsOnDirectRequests(t *testing.T) {
	for _, tt := range []struct {
		effect fault.Effect
		status int // 0 for a dead connection
	}{
		{fault.ItemStatus(503, "Retry-After", "9"), 503}, {fault.ItemMissing(), 0}, {fault.Reset(), 0},
		{fault.ItemRetryAfterNumber(9), 429}, {fault.ItemNoStatus(), 200}, {fault.OuterHTML(502), 502},
	} {
		tenant := New(Options{Faults: []fault.Fault{{Path: "/users", Do: tt.effect}}})
		req, _ := http.NewRequest("GET", wire.PublicRoot+"/v1.0/users", nil)
		req.Header.Set("Authorization", "Bearer "+tenant.Entra.Token())
		resp, err := tenant.RoundTrip(req)
		switch {
		case err != nil:
			if tt.status != 0 {
				t.Errorf("%v: %v", tt.effect, err)
			}
		case resp.StatusCode != tt.status:
			t.Errorf("%v: status %d, want %d", tt.effect, resp.StatusCode, tt.status)
		case tt.status == 503 || tt.status == 429:
			if got := resp.Header.Get("Retry-After"); got != "9" {
				t.Errorf("%v: Retry-After %q", tt.effect, got)
			}
		}
	}
}

// Whatever goes wrong, a client that keeps at it gets every pass deleted, and the
// same seed goes wrong in the same way.
func TestRandomFaults(t *testing.T) {
	run := func(seed uint64) (s Stats) {
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Options{Seed: seed, Faults: fault.Random(seed, 0.5)})
			body := deletes(tenant.AddUsers(20))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				tenant.PostBatch(ctx, body)
				cancel()
			}
			if left := tenant.Remaining(); len(left) > 0 {
				t.Errorf("%d passes left", len(left))
			}
			s = tenant.Stats()
		})
		return s
	}
	if a, b := run(1), run(1); a != b || a.Faults < 1000 {
		t.Errorf("Stats = %+v and %+v", a, b)
	}
}

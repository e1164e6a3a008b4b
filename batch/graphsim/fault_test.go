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
	"tapsweep/testdata/assert"
)

// itemEffects are effects on the response to a delete with id 0.
var itemEffects = []struct {
	effect fault.Effect
	want   string // matches what there is in place of the response
	isDone bool
}{
	{fault.ItemStatus(503), `^{"id":"0","status":503,"headers":{.*},"body":{"error":{"code":"ServiceUnav`, false},
	{fault.ItemStatus(429, "Retry-After", "0.249"), `"status":429,"headers":{.*(?i)"retry-after":"0.249"`, false},
	{fault.ItemStatus(401, "WWW-Authenticate", entra.ClaimsChallenge), `(?i)"www-authenticate":"Bearer`, false},
	{fault.ItemStatus(504).AfterWork(), `"status":504`, true},
	{fault.ItemStatus(404), `"code":"UnknownError"`, false},
	{fault.ItemErrorIn(200), `"status":200,.*"code":"ServiceUnavailable"`, false},
	{fault.ItemMissing(), `^$`, true},
	{fault.ItemTwiceAs(500), `^{"id":"0","status":204.*},{"id":"0","status":500`, true},
	{fault.ItemUnknownID("zz"), `^{"id":"0","status":204.*},{"id":"zz","status":204}`, true},
	{fault.ItemChange(func(r *fault.Item) { r.Status, r.Headers = "204", nil }).AfterWork(),
		`^{"id":"0","status":"204"(,"body":null)?}$`, true},
	{fault.ItemBody("null"), `^{"id":"0","status":204.*"body":null}`, true},
	{fault.ItemBody(`"text"`), `"body":"text"}`, true},
}

func TestItemEffects(t *testing.T) {
	other := regexp.MustCompile(`,?{"id":"1","status":204(,"headers":{[^}]*})?(,"body":null)?}`)
	for _, tt := range itemEffects {
		t.Run(tt.effect.String(), func(t *testing.T) {
			tenant := New(Options{})
			users := tenant.AddUsers(2)
			tenant.AddFaults(fault.Fault{Path: users[0].ID, Do: tt.effect})
			body := posting(tenant)(t, deletes(users))
			check(t, "valid JSON", json.Valid([]byte(body)), true)
			text := strings.TrimSuffix(strings.TrimPrefix(body, `{"responses":[`), "]}")
			check(t, "has the response to id 1", other.MatchString(text), true)
			text = strings.TrimPrefix(other.ReplaceAllString(text, ""), ",")
			assert.That(t, regexp.MustCompile(tt.want).MatchString(text), "got %.300s, want %s", text, tt.want)
			check(t, "both deleted", tenant.Stats().Deleted == 2, tt.isDone)
			check(t, "faults", tenant.Stats().Faults, 1)
		})
	}
}

// outerEffects are effects on a batch of two deletes.
var outerEffects = []struct {
	effect fault.Effect
	status int    // 0 for a dead connection
	want   string // part of the body
	header string // "name: value"
	isDone bool
}{
	{fault.OuterStatus(400), 400, `"code":"BadRequest"`, "", false},
	{fault.OuterStatus(401, "WWW-Authenticate", "x"), 401, "InvalidAuthenticationToken", "Www-Authenticate: x", false},
	{fault.OuterStatus(413), 413, "RequestEntityTooLarge", "", false},
	{fault.OuterStatus(429), 429, "TooManyRequests", "", false},
	{fault.OuterStatus(503, "Retry-After", "3"), 503, "ServiceUnavailable", "Retry-After: 3", false},
	{fault.OuterStatus(504).AfterWork(), 504, "GatewayTimeout", "", true},
	{fault.OuterHTML(502), 502, "<html>", "Content-Type: text/html", false},
	{fault.OuterHTML(200), 200, "<html>", "Content-Type: text/html", false},
	{fault.OuterBody(404, "no service"), 404, "no service", "", false},
	{fault.OuterHeaders("X-A", "b"), 200, `]}`, "X-A: b", true},
	{fault.OuterMark(), 200, "\xef\xbb\xbf{", "", true},
	{fault.OuterAs(424), 424, `"responses"`, "", true},
	{fault.Truncated(), 200, `{"responses":[{"id"`, "", true},
	{fault.Spliced("<html>502</html>"), 200, "},<html>502</html>,{", "", true},
	{fault.CutOff(), 0, "", "", true},
	{fault.Reset(), 0, "", "", false},
	{fault.Reset().AfterWork(), 0, "", "", true},
	{fault.Delayed(time.Millisecond), 200, `]}`, "", true},
	{fault.Slow(time.Millisecond), 200, `]}`, "", true},
}

func TestOuterEffects(t *testing.T) {
	for _, tt := range outerEffects {
		for _, name := range []string{"HTTP/2", "HTTP/1.1", "RoundTrip"} {
			t.Run(name+"/"+tt.effect.String(), func(t *testing.T) {
				tenant := New(Options{Faults: []fault.Fault{{Method: "DELETE", Times: 1, Do: tt.effect}}})
				root, transport := wire.PublicRoot, http.RoundTripper(tenant)
				if name != "RoundTrip" {
					server := start(t, tenant)
					tls := server.Client().Transport.(*http.Transport)
					tls.ForceAttemptHTTP2 = name == "HTTP/2"
					defer tls.CloseIdleConnections()
					root, transport = server.URL, tls
				}
				resp, err := tryBatch(t.Context(), transport, tenant.Entra.Token(), root, deletes(tenant.AddUsers(2)))
				var body []byte
				if err == nil {
					body, err = io.ReadAll(resp.Body)
				}
				check(t, "connection ended", err != nil, tt.status == 0)
				if err == nil {
					check(t, "status", resp.StatusCode, tt.status)
					checkHolds(t, "body", string(body), tt.want)
					header, value, _ := strings.Cut(tt.header, ": ")
					check(t, "header "+header, resp.Header.Get(header), value)
				}
				check(t, "both deleted", tenant.Stats().Deleted == 2, tt.isDone)
				check(t, "faults", tenant.Stats().Faults, 1)
			})
		}
	}
}

// PostBatch returns an error for an error status of a whole batch, and for a broken connection.
func TestOuterEffectsOnPostBatch(t *testing.T) {
	for _, tt := range outerEffects {
		tenant := New(Options{Faults: []fault.Fault{{Do: tt.effect}}})
		_, err := tenant.PostBatch(t.Context(), []byte(deletes(tenant.AddUsers(2))))
		what := tt.effect.String()
		if e, ok := errors.AsType[*batch.StatusError](err); ok {
			check(t, what+": status", e.Status, tt.status)
		} else {
			check(t, what+": dead connection", errors.Is(err, io.ErrUnexpectedEOF), tt.status == 0)
		}
		check(t, what+": both deleted", tenant.Stats().Deleted == 2, tt.isDone)
	}
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
			_, err := tenant.PostBatch(ctx, []byte(deletes(tenant.AddUsers(1))))
			check(t, "deadline exceeded", errors.Is(err, context.DeadlineExceeded), true)
			check(t, "time", time.Since(begin), time.Minute)
			check(t, "deleted", tenant.Stats().Deleted, tt.deleted)
		})
	}
}

// Over a socket, Hang ends with the server.
func TestHangEndsWithServer(t *testing.T) {
	arrived := make(chan struct{})
	tenant := New(Options{Faults: []fault.Fault{{Do: fault.Hang(), Match: func(string, string) bool {
		close(arrived)
		return true
	}}}})
	server := start(t, tenant)
	go func() {
		<-arrived
		server.Close()
	}()
	body := deletes(tenant.AddUsers(1))
	if _, err := tryBatch(t.Context(), server.Client().Transport, tenant.Entra.Token(), server.URL, body); err == nil {
		t.Error("a hanging server answered")
	}
}

func TestDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Latency: time.Second, Faults: []fault.Fault{{Do: fault.Delayed(3 * time.Second)}}})
		begin := time.Now()
		posting(tenant)(t, deletes(tenant.AddUsers(1)))
		check(t, "time", time.Since(begin), 4*time.Second)
	})
}

// Four batches in turn delete the passes of users 0 and 1. A faulty response is "!", a
// throttled one "w", a batch without responses is "outer", 204 is "+" and 404 is "-".
func TestFaultMatching(t *testing.T) {
	isDelete := func(method, _ string) bool { return method == "DELETE" }
	unavailable := fault.ItemStatus(503)
	for _, tt := range []struct {
		name  string
		fault fault.Fault
		want  string
	}{
		{"always", fault.Fault{Do: unavailable}, "!! !! !! !!"},
		{"path", fault.Fault{Path: "user0", Do: unavailable}, "!+ !- !- !-"},
		{"second attempt", fault.Fault{Attempt: 2, Do: unavailable}, "++ !! -- --"},
		{"third batch", fault.Fault{Batch: 3, Do: unavailable}, "++ -- !! --"},
		{"twice", fault.Fault{Path: "user0", Times: 2, Do: unavailable}, "!+ !- +- --"},
		{"other method", fault.Fault{Method: "GET", Do: unavailable}, "++ -- -- --"},
		{"function", fault.Fault{Match: isDelete, Do: unavailable}, "!! !! !! !!"},
		{"whole batch by path", fault.Fault{Path: "user0", Attempt: 1, Do: fault.OuterStatus(503)}, "outer ++ -- --"},
		{"whole second batch", fault.Fault{Batch: 2, Do: fault.Reset()}, "++ outer -- --"},
		{"done and hidden", fault.Fault{Attempt: 1, Do: unavailable.AfterWork()}, "!! -- -- --"},
		{"all done and hidden", fault.Fault{Batch: 1, Do: fault.Reset().AfterWork()}, "outer -- -- --"},
	} {
		check(t, tt.name, fourBatches(t, tt.fault), tt.want)
	}
	// A fault on a single request waits until a limit lets the request through.
	once := fault.Fault{Path: "user0", Times: 1, Do: unavailable}
	check(t, "throttled first", fourBatches(t, once, quota.First(2, time.Second)), "ww !+ +- --")
}

func fourBatches(t *testing.T, f fault.Fault, limits ...*quota.Limit) string {
	tenant := New(Options{Limits: limits, Faults: []fault.Fault{f}})
	var users []User
	for _, name := range []string{"user0", "user1"} {
		users = append(users, User{ID: name, Passes: []Pass{{ID: passID}}})
		tenant.AddUser(users[len(users)-1])
	}
	marks := map[int]string{204: "+", 404: "-", 503: "!", 429: "w"}
	var batches []string
	for range 4 {
		reply, err := tenant.PostBatch(t.Context(), []byte(deletes(users)))
		if err != nil {
			batches = append(batches, "outer")
			continue
		}
		all := responses(t, string(reply.Body))
		batches = append(batches, marks[all["0"].Status]+marks[all["1"].Status])
	}
	return strings.Join(batches, " ")
}

func TestFaultsOnDirectRequests(t *testing.T) {
	for _, tt := range []struct {
		effect     fault.Effect
		status     int // 0 for a dead connection
		retryAfter string
	}{
		{fault.OuterStatus(503, "Retry-After", "9"), 503, "9"},
		{fault.Reset(), 0, ""},
		{fault.OuterHTML(502), 502, ""},
		{fault.ItemStatus(503), 200, ""}, // for batches only
	} {
		tenant := New(Options{Faults: []fault.Fault{{Path: "/users", Do: tt.effect}}})
		req, _ := http.NewRequest("GET", v1+"/users", nil)
		req.Header.Set("Authorization", "Bearer "+tenant.Entra.Token())
		resp, err := tenant.RoundTrip(req)
		check(t, tt.effect.String()+": dead connection", err != nil, tt.status == 0)
		if err == nil {
			check(t, tt.effect.String()+": status", resp.StatusCode, tt.status)
			check(t, tt.effect.String()+": Retry-After", resp.Header.Get("Retry-After"), tt.retryAfter)
		}
	}
}

// For all faults, a client that keeps trying deletes every pass. The same seed results in
// the same faults.
func TestRandomFaults(t *testing.T) {
	run := func(seed uint64) (s Stats) {
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Options{Seed: seed, Faults: fault.Random(seed, 0.5)})
			body := []byte(deletes(tenant.AddUsers(20)))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				tenant.PostBatch(ctx, body)
				cancel()
			}
			check(t, "remaining passes", len(tenant.Remaining()), 0)
			s = tenant.Stats()
		})
		return s
	}
	first := run(1)
	check(t, "stats of the second run", run(1), first)
	assert.That(t, first.Faults >= 1000, "%d faults, want 1000 at least", first.Faults)
}

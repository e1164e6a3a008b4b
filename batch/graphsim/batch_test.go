package graphsim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/batch/graphsim/quota"
	"tapsweep/testdata/assert"
)

// Graph refuses each of these batches as a whole, with a message that contains the text.
func TestBatchRefusals(t *testing.T) {
	const invalid = "Invalid batch payload format."
	request := func(members string) string { return `{"requests":[{` + members + `}]}` }
	get := func(id string) string { return `{"id":"` + id + `","method":"GET","url":"/users/x"}` }
	var many []string
	for i := range 21 {
		many = append(many, get(fmt.Sprint(i)))
	}
	for _, tt := range []struct{ name, body, message string }{
		{"not JSON", `{"requests":[`, invalid},
		{"an array", `[]`, invalid},
		{"no requests", `{}`, invalid},
		{"empty requests", `{"requests":[]}`, invalid},
		{"21 requests", `{"requests":[` + strings.Join(many, ",") + `]}`, "exceeds the maximum value of 20"},
		{"id missing", request(`"method":"GET","url":"/x"`), invalid},
		{"id empty", request(`"id":"","method":"GET","url":"/x"`), invalid},
		{"id a number", request(`"id":1,"method":"GET","url":"/x"`), invalid},
		{"same id", `{"requests":[` + get("1") + "," + get("1") + `]}`, "Request Id 1 has to be unique in a batch."},
		{"same id in another case", `{"requests":[` + get("a") + "," + get("A") + `]}`,
			"Request Id A has to be unique in a batch."},
		{"header not a string", request(`"id":"1","method":"GET","url":"/x","headers":{"a":1}`), invalid},
		{"absolute", request(`"id":"1","method":"GET","url":"https://graph.microsoft.com/v1.0/users"`), "absolute"},
		{"absolute without scheme", request(`"id":"1","method":"GET","url":"//graph.microsoft.com/users"`), "absolute"},
		{"no url", request(`"id":"1","method":"GET"`), invalid},
		{"nested", oneRequest("POST", "/$batch", "{}"), "nested"},
		{"lower-case verb", request(`"id":"1","method":"delete","url":"/x"`), "invalid method"},
		{"body without type", request(`"id":"1","method":"POST","url":"/x","body":{}`),
			"Write request id : 1 does not contain Content-Type header or body."},
		{"POST without body", request(`"id":"1","method":"POST","url":"/x"`),
			"Write request id : 1 does not contain Content-Type header or body."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tenant := New(Options{})
			_, err := tenant.PostBatch(t.Context(), []byte(tt.body))
			e, ok := errors.AsType[*batch.StatusError](err)
			if !ok {
				t.Fatalf("PostBatch = %v, want a StatusError", err)
			}
			check(t, "status", e.Status, 400)
			check(t, "code", e.Code, "BadRequest")
			checkHolds(t, "message", e.Message, tt.message)
			r := directly(tenant, v1, tenant.Entra.Token())(t, "POST", "/$batch", tt.body)
			check(t, "status over HTTP", r.Status, 400)
			checkHolds(t, "body over HTTP", r.Body, tt.message)
		})
	}
}

func TestBatchOverHTTP(t *testing.T) {
	tenant := New(Options{})
	send := directly(tenant, v1, tenant.Entra.Token())
	const contentType = "Content-Type"
	body := oneRequest("GET", "/users", "")
	for _, tt := range []struct {
		name, method, body, contentType string
		status                          int
	}{
		{"good", "POST", body, "application/json; charset=utf-8", 200},
		{"other type", "POST", body, "text/plain", 400},
		{"no type", "POST", body, "", 400},
		{"GET", "GET", body, "application/json", 405},
		{"too large", "POST", strings.Repeat(" ", maxBody+1), "application/json", 413},
	} {
		check(t, tt.name, send(t, tt.method, "/%24batch", tt.body, contentType, tt.contentType).Status, tt.status)
	}
}

// The seed sets the order of the responses. A 204 has several forms.
func TestShuffledAndVaried(t *testing.T) {
	forms := map[string]bool{}
	order := func(seed uint64) (ids []string) {
		tenant := New(Options{Seed: seed})
		for part := range strings.SplitSeq(posting(tenant)(t, deletes(tenant.AddUsers(20))), `{"id":"`) {
			id, rest, _ := strings.Cut(part, `"`)
			ids = append(ids, id)
			forms[strings.TrimRight(rest, ",]}")] = true
		}
		return ids[1:]
	}
	one, again, two := order(1), order(1), order(2)
	check(t, "order with the same seed", again, one)
	assert.That(t, !slices.Equal(one, two), "another seed made the same order %v", two)
	assert.That(t, !slices.IsSorted(one), "the responses are in order: %v", one)
	if len(forms) < 6 { // with and without body, three sorts of headers
		t.Errorf("204 came in %d forms only: %v", len(forms), forms)
	}
}

// If a batch has two deletes for one user, one of them is lost. Source: CIPP-API PR#1938.
func TestLostWrite(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{ID: danaID, UPN: "dana@contoso.example", Passes: []Pass{{ID: passID}, {ID: otherID}}})
	all := responses(t, posting(tenant)(t, `{"requests":[
		{"id":"1","method":"DELETE","url":"`+danaPasses+"/"+passID+`"},
		{"id":"2","method":"DELETE","url":"/users/dana@contoso.example`+passesPath+"/"+otherID+`"}]}`))
	check(t, "first status", all["1"].Status, 204)
	check(t, "second status", all["2"].Status, 204)
	check(t, "deleted", tenant.Stats().Deleted, 1)
	check(t, "lost writes", tenant.Stats().LostWrites, 1)
	check(t, "overlapping writes", tenant.Stats().OverlappingWrites, 0)
	check(t, "remaining passes", len(tenant.Remaining()), 1)
}

func TestOverlappingWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Latency: time.Second})
		users := tenant.AddUsers(2)
		send := func(some []User) { tenant.PostBatch(t.Context(), []byte(deletes(some))) }
		go send(users[:1])
		time.Sleep(500 * time.Millisecond)
		go send(users[:1]) // the first is under way
		go send(users[1:]) // another user
		time.Sleep(2 * time.Second)
		synctest.Wait()
		send(users[:1]) // nothing is under way
		s := tenant.Stats()
		check(t, "overlapping writes", s.OverlappingWrites, 1)
		check(t, "batches at once", s.MaxConcurrent, 3)
		check(t, "batches", s.Batches, 4)
		check(t, "batches of one", s.Sizes[1], 4)
	})
}

// A batch that is cancelled before it arrives does nothing. A batch that is cancelled later
// is carried out.
func TestLatencyAndCancel(t *testing.T) {
	for _, tt := range []struct {
		name      string
		timeout   time.Duration
		took      time.Duration
		remaining int
	}{
		{"in time", time.Minute, time.Second, 0},
		{"cancelled on the way there", 400 * time.Millisecond, 400 * time.Millisecond, 1},
		{"cancelled on the way back", 600 * time.Millisecond, 600 * time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := New(Options{Latency: time.Second})
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				begin := time.Now()
				_, err := tenant.PostBatch(ctx, []byte(deletes(tenant.AddUsers(1))))
				check(t, "deadline exceeded", errors.Is(err, context.DeadlineExceeded), tt.took < time.Second)
				check(t, "time", time.Since(begin), tt.took)
				check(t, "remaining passes", len(tenant.Remaining()), tt.remaining)
			})
		})
	}
}

// Spread makes the requests of a batch take effect one after another.
func TestSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Latency: 50 * time.Millisecond, Spread: 190 * time.Millisecond,
			Limits: []*quota.Limit{quota.Bucket(100, 1)}})
		begin := time.Now()
		posting(tenant)(t, deletes(tenant.AddUsers(20)))
		check(t, "time", time.Since(begin), 240*time.Millisecond)
		check(t, "refused requests, with one each 10 ms, at 100 a second", tenant.Stats().Refused, 0)
	})
}

// Log has an entry with the result of each request.
func TestLog(t *testing.T) {
	tenant := New(Options{Record: true})
	users := tenant.AddUsers(3)
	posting(tenant)(t, deletes(users[1:2]))
	path := "/users/" + users[1].ID + passesPath + "/" + users[1].Passes[0].ID
	log := tenant.Log()
	log[0].Time = time.Time{}
	check(t, "log", log, []LogEntry{{Batch: 1, Method: "DELETE", Path: path, Done: true}})
	check(t, "remaining passes", tenant.Remaining(), []HeldPass{
		{users[0].ID, "user0001@contoso.example", users[0].Passes[0].ID},
		{users[2].ID, "user0003@contoso.example", users[2].Passes[0].ID},
	})
}

// Many clients can use a tenant at once. The race detector finds errors.
func TestConcurrentUse(t *testing.T) {
	faults := fault.Random(1, 0.1, fault.Reset(), fault.ItemTwiceAs(204), fault.ItemStatus(500))
	tenant := New(Options{Limits: []*quota.Limit{quota.Bucket(1e6, 50)}, Record: true, Faults: faults})
	server := start(t, tenant)
	users, token := tenant.AddUsers(400), tenant.Entra.Token()
	var wg sync.WaitGroup
	for part := range slices.Chunk(users, 50) {
		wg.Go(func() {
			for some := range slices.Chunk(part, 10) {
				tenant.PostBatch(t.Context(), []byte(deletes(some)))
				tryBatch(t.Context(), server.Client().Transport, token, server.URL, deletes(some))
				tenant.Stats()
			}
		})
	}
	wg.Wait()
	s := tenant.Stats()
	check(t, "passes deleted and remaining", s.Deleted+len(tenant.Remaining()), len(users))
	check(t, "batches", s.Batches, 80)
	check(t, "lost writes", s.LostWrites, 0)
	check(t, "overlapping writes", s.OverlappingWrites, 0)
}

// tryBatch posts a batch that may fail.
func tryBatch(ctx context.Context, transport http.RoundTripper, token, root, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", root+"/v1.0/$batch", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // or net/http sends it again when a connection breaks
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", wire.JSONType)
	return transport.RoundTrip(req)
}

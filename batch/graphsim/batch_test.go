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
)

func post(t *testing.T, tenant *Tenant, requests ...string) map[string]got {
	t.Helper()
	reply, err := tenant.PostBatch(t.Context(), []byte(`{"requests":[`+strings.Join(requests, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return responses(t, reply.Body)
}

func TestBatchRefusals(t *testing.T) {
	get := func(id string) string { return `{"id":"` + id + `","method":"GET","url":"/users/` + dana + `"}` }
	var many []string
	for i := range 21 {
		many = append(many, get(fmt.Sprint(i)))
	}
	const url = `"url":"/users/x"`
	tests := []struct {
		name, body, message string
	}{
		{"not JSON", `{"requests":[`, "Invalid batch payload format."},
		{"an array", `[]`, "Invalid batch payload format."},
		{"no requests", `{}`, "Invalid batch payload format."},
		{"empty requests", `{"requests":[]}`, "Invalid batch payload format."},
		{"21 requests", `{"requests":[` + strings.Join(many, ",") + `]}`, "exceeds the maximum value of 20"},
		{"id missing", `{"requests":[{"method":"GET",` + url + `}]}`, "Invalid batch payload format."},
		{"id empty", `{"requests":[{"id":"","method":"GET",` + url + `}]}`, "Invalid batch payload format."},
		{"id a number", `{"requests":[{"id":1,"method":"GET",` + url + `}]}`, "Invalid batch payload format."},
		{"id doubled", `{"requests":[` + get("1") + "," + get("1") + `]}`, "Request Id 1 has to be unique in a batch."},
		{"id doubled but for case", `{"requests":[` + get("a") + "," + get("A") + `]}`, "Request Id A has to be unique in a batch."},
		{"header not a string", `{"requests":[{"id":"1","method":"GET",` + url + `,"headers":{"a":1}}]}`, "Invalid batch payload format."},
		{"absolute", `{"requests":[{"id":"1","method":"GET","url":"https://graph.microsoft.com/v1.0/users"}]}`, "absolute"},
		{"absolute without scheme", `{"requests":[{"id":"1","method":"GET","url":"//graph.microsoft.com/users"}]}`, "absolute"},
		{"no url", `{"requests":[{"id":"1","method":"GET"}]}`, "Invalid batch payload format."},
		{"nested", `{"requests":[{"id":"1","method":"POST","url":"/$batch","headers":{"Content-Type":"application/json"},"body":{}}]}`, "nested"},
		{"lower-case verb", `{"requests":[{"id":"1","method":"delete",` + url + `}]}`, "invalid method"},
		{"body without type", `{"requests":[{"id":"1","method":"POST",` + url + `,"body":{}}]}`, "Write request id : 1 does not contain Content-Type header or body."},
		{"POST without body", `{"requests":[{"id":"1","method":"POST","url":"/users/x/revokeSignInSessions"}]}`, "Write request id : 1 does not contain Content-Type header or body."},
		{"two dependencies", `{"requests":[` + get("1") + "," + get("2") + `,{"id":"3","method":"GET",` + url + `,"dependsOn":["1","2"]}]}`, "more than one"},
		{"dependency outside", `{"requests":[{"id":"3","method":"GET",` + url + `,"dependsOn":["1"]}]}`, "not in the batch"},
		{"circle", `{"requests":[{"id":"1","method":"GET",` + url + `,"dependsOn":["2"]},{"id":"2","method":"GET",` + url + `,"dependsOn":["1"]}]}`, "depends on itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tenant := New(Options{})
			_, err := tenant.PostBatch(t.Context(), []byte(tt.body))
			e, ok := errors.AsType[*batch.StatusError](err)
			if !ok || e.Status != 400 || e.Code != "BadRequest" || !strings.Contains(e.Message, tt.message) || e.RequestID == "" {
				t.Errorf("PostBatch = %#v, want 400 %q", err, tt.message)
			}
			g := send(t, &http.Client{Transport: tenant}, tenant.Entra.Token(), "POST", wire.PublicRoot+"/beta/$batch", tt.body)
			if g.Status != 400 || !strings.Contains(g.Body, tt.message) {
				t.Errorf("over HTTP: %d %s", g.Status, g.Body)
			}
			if s := tenant.Stats(); s.Requests != 0 && !strings.Contains(tt.body, "url") {
				t.Errorf("Stats = %+v", s)
			}
		})
	}
}

func TestOuterHTTP(t *testing.T) {
	tenant := New(Options{})
	client := &http.Client{Transport: tenant}
	body := envelope("GET", "/users", "")
	for _, tt := range []struct {
		name, method, contentType, body string
		status                          int
	}{
		{"good", "POST", "application/json; charset=utf-8", body, 200},
		{"other type", "POST", "text/plain", body, 400},
		{"no type", "POST", "", body, 400},
		{"GET", "GET", "application/json", body, 405},
		{"too large", "POST", "application/json", strings.Repeat(" ", maxBody+1), 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest(tt.method, wire.PublicRoot+"/v1.0/%24batch", strings.NewReader(tt.body))
			req.Header.Set("Authorization", "Bearer "+tenant.Entra.Token())
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

func TestShuffledAndVaried(t *testing.T) {
	bodies := map[uint64][]string{}
	forms := map[string]bool{}
	for _, seed := range []uint64{1, 1, 2} {
		tenant := New(Options{Seed: seed})
		reply, err := tenant.PostBatch(t.Context(), deletes(tenant.AddUsers(20)))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for one := range strings.SplitSeq(string(reply.Body), `{"id":"`) {
			id, rest, _ := strings.Cut(one, `"`)
			ids = append(ids, id)
			forms[strings.TrimRight(rest, ",]}")] = true
		}
		bodies[seed] = append(bodies[seed], fmt.Sprint(ids[1:]))
		if slices.IsSorted(ids[1:]) {
			t.Error("answers are in order")
		}
	}
	if bodies[1][0] != bodies[1][1] || bodies[1][0] == bodies[2][0] {
		t.Errorf("orders: %v", bodies)
	}
	if len(forms) < 6 { // with and without body, three sorts of headers
		t.Errorf("204 came in %d forms only: %v", len(forms), forms)
	}
}

func TestDependsOn(t *testing.T) {
	tenant := New(Options{Record: true, Roles: []string{"UserAuthMethod-TAP.ReadWrite.All", "User.RevokeSessions.All"}})
	tenant.AddUser(User{ID: dana, Passes: []Pass{{ID: pass}}})
	del := func(id, pass, after string) string {
		return `{"id":"` + id + `","method":"DELETE","url":"users/` + dana + methods + "/" + pass + `"` + after + `}`
	}
	all := post(t, tenant,
		`{"id":"r","method":"POST","url":"/users/`+dana+`/revokeSignInSessions","headers":{"content-type":"application/json"},"body":{},"dependsOn":["D"]}`,
		del("d", pass, ""))
	if all["d"].Status != 204 || all["r"].Status != 200 {
		t.Errorf("answers %v", all)
	}
	if log := tenant.Log(); log[0].Method != "DELETE" {
		t.Errorf("dependant first: %+v", log)
	}
	// A 404 is a failure for those that depend on it, all the way down.
	all = post(t, tenant, del("3", absent, `,"dependsOn":["2"]`), del("1", absent, ""), del("2", pass, `,"dependsOn":["1"]`))
	if all["1"].Status != 404 || all["2"].Status != 424 || all["3"].Status != 424 {
		t.Errorf("answers %v", all)
	}
}

// CIPP-API PR#1938: two deletes for one user in one batch, one of them lost.
func TestLostWrite(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{ID: dana, UPN: "dana@contoso.example", Passes: []Pass{{ID: pass}, {ID: absent}}})
	all := post(t, tenant, `{"id":"1","method":"DELETE","url":"/users/`+dana+methods+"/"+pass+`"}`,
		`{"id":"2","method":"DELETE","url":"/users/dana@contoso.example`+methods+"/"+absent+`"}`)
	if all["1"].Status != 204 || all["2"].Status != 204 {
		t.Errorf("answers %v", all)
	}
	if s := tenant.Stats(); s.LostWrites != 1 || s.Deleted != 1 || len(tenant.Remaining()) != 1 || s.OverlappingWrites != 0 {
		t.Errorf("Stats = %+v, left %v", s, tenant.Remaining())
	}
}

func TestOverlappingWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Latency: time.Second})
		users := tenant.AddUsers(2)
		go tenant.PostBatch(t.Context(), deletes(users[:1]))
		time.Sleep(500 * time.Millisecond)
		go tenant.PostBatch(t.Context(), deletes(users[:1])) // the first is under way
		go tenant.PostBatch(t.Context(), deletes(users[1:])) // another user
		time.Sleep(2 * time.Second)
		synctest.Wait()
		tenant.PostBatch(t.Context(), deletes(users[:1])) // nothing is under way
		if s := tenant.Stats(); s.OverlappingWrites != 1 || s.MaxConcurrent != 3 || s.Batches != 4 || s.Sizes[1] != 4 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestLatencyAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Latency: time.Second})
		users := tenant.AddUsers(2)
		begin := time.Now()
		if _, err := tenant.PostBatch(t.Context(), deletes(users[:1])); err != nil || time.Since(begin) != time.Second {
			t.Errorf("PostBatch = %v after %v", err, time.Since(begin))
		}
		for _, tt := range []struct {
			after time.Duration
			left  int
		}{{400 * time.Millisecond, 1}, {600 * time.Millisecond, 0}} { // on the way there, on the way back
			ctx, cancel := context.WithTimeout(t.Context(), tt.after)
			begin = time.Now()
			_, err := tenant.PostBatch(ctx, deletes(users[1:]))
			cancel()
			if !errors.Is(err, ctx.Err()) || err == nil || time.Since(begin) != tt.after || len(tenant.Remaining()) != tt.left {
				t.Errorf("PostBatch = %v after %v, left %v", err, time.Since(begin), tenant.Remaining())
			}
		}
	})
}

func TestListLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{ListLag: 10 * time.Second})
		tenant.AddUser(User{ID: dana, Passes: []Pass{{ID: pass}}})
		one := `{"id":"1","method":"%s","url":"/users/` + dana + methods + `%s"}`
		post(t, tenant, fmt.Sprintf(one, "DELETE", "/"+pass))
		for _, tt := range []struct {
			wait time.Duration
			list bool
		}{{9 * time.Second, true}, {time.Second, false}} {
			time.Sleep(tt.wait)
			list := post(t, tenant, fmt.Sprintf(one, "GET", ""))["1"]
			get := post(t, tenant, fmt.Sprintf(one, "GET", "/"+pass))["1"]
			if strings.Contains(list.Body, pass) != tt.list || (get.Status == 200) != tt.list {
				t.Errorf("after %v: %s, %d", tt.wait, list.Body, get.Status)
			}
		}
	})
}

// Many at once, through both kinds of door; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	limit := quota.Bucket(1e6, 50)
	tenant := New(Options{Limits: []*quota.Limit{limit}, Record: true, Faults: fault.Random(1, 0.1, fault.Reset(), fault.ItemTwice(), fault.ItemStatus(500))})
	server := start(t, tenant)
	client := server.Client()
	defer client.CloseIdleConnections()
	users := tenant.AddUsers(400)
	var wg sync.WaitGroup
	for part := range slices.Chunk(users, 50) {
		wg.Go(func() {
			for len(part) > 0 {
				body := deletes(part[:10])
				tenant.PostBatch(t.Context(), body)
				tryBatch(t.Context(), client, tenant, server.URL, body)
				tenant.Stats()
				part = part[10:]
			}
		})
	}
	wg.Wait()
	s := tenant.Stats()
	if s.Deleted+len(tenant.Remaining()) != len(users) || s.Batches != 80 || s.LostWrites != 0 || s.OverlappingWrites != 0 {
		t.Errorf("Stats = %+v, %d left", s, len(tenant.Remaining()))
	}
}

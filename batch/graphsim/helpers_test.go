package graphsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/testdata/assert"
)

const (
	danaID  = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	passID  = "b7e0c9a2-6d15-4a77-8f0e-31c5d2f4a6aa"
	otherID = "00000000-0000-4000-8000-000000000001"

	passesPath = "/authentication/temporaryAccessPassMethods"
	v1         = wire.PublicRoot + "/v1.0"
)

// scanRoles are the permissions of a scan.
var scanRoles = []string{"User.Read.All", "GroupMember.Read.All", "AuditLog.Read.All"}

// check fails the test unless got equals want.
func check[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	assert.Equal(t, what, got, want)
}

func checkHolds(t *testing.T, what, got, part string) {
	t.Helper()
	assert.Holds(t, what, got, part)
}

// reply is an answer as a client sees it, inside or outside a batch.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// code returns the code of the error object, empty if there is none.
func (r reply) code() string {
	var in struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(r.Body), &in)
	return in.Error.Code
}

// object returns the body as a JSON object.
func (r reply) object(t *testing.T) (o map[string]any) {
	t.Helper()
	assert.OK(t, json.Unmarshal([]byte(r.Body), &o), r.Body)
	return o
}

// client sends one request to a path below the version. headers alternates names and values.
type client func(t *testing.T, method, path, body string, headers ...string) reply

// get sends a GET.
func (c client) get(t *testing.T, path string, headers ...string) reply {
	t.Helper()
	return c(t, "GET", path, "", headers...)
}

// directly returns a client that sends requests outside batches through transport.
func directly(transport http.RoundTripper, root, token string) client {
	return func(t *testing.T, method, path, body string, headers ...string) reply {
		t.Helper()
		req := assert.Must(http.NewRequestWithContext(t.Context(), method, root+path, strings.NewReader(body)))
		req.GetBody = nil // or net/http sends it again when a connection breaks
		req.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp := assert.Must(transport.RoundTrip(req))
		defer resp.Body.Close()
		b := assert.Must(io.ReadAll(resp.Body))
		return reply{resp.StatusCode, resp.Header, string(b)}
	}
}

// inBatchesOf returns a client that sends each request in a separate batch through c.
func inBatchesOf(c client) client {
	return inBatches(func(t *testing.T, batch string) string { return c(t, "POST", "/$batch", batch).Body })
}

// inBatches returns a client that sends each request in a separate batch.
func inBatches(send func(t *testing.T, batch string) string) client {
	return func(t *testing.T, method, path, body string, headers ...string) reply {
		t.Helper()
		return responses(t, send(t, oneRequest(method, path, body, headers...)))["1"]
	}
}

func oneRequest(method, path, body string, headers ...string) string {
	all := map[string]string{}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	request := map[string]any{"id": "1", "method": method, "url": path, "headers": all}
	if body != "" {
		all["Content-Type"] = "application/json"
		request["body"] = json.RawMessage(body)
	}
	return string(wire.Marshal(map[string]any{"requests": []any{request}}))
}

// posting returns a function that sends a batch to PostBatch.
func posting(tenant *Tenant) func(*testing.T, string) string {
	return func(t *testing.T, batch string) string {
		t.Helper()
		reply := assert.Must(tenant.PostBatch(t.Context(), []byte(batch)))
		return string(reply.Body)
	}
}

// clients returns the clients of a tenant that need no socket, for a caller with roles.
func clients(tenant *Tenant, roles ...string) map[string]client {
	token := tenant.Entra.Token(roles...)
	direct := directly(tenant, v1, token)
	return map[string]client{
		"direct":     direct,
		"in a batch": inBatchesOf(direct),
	}
}

// responses returns the responses of a batch by ID. A body of null counts as empty.
func responses(t *testing.T, body string) map[string]reply {
	t.Helper()
	var in struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	assert.OK(t, json.Unmarshal([]byte(body), &in), body)
	all := make(map[string]reply)
	for _, r := range in.Responses {
		one := reply{Status: r.Status, Header: http.Header{}, Body: strings.TrimPrefix(string(r.Body), "null")}
		for name, value := range r.Headers {
			one.Header.Set(name, value)
		}
		all[r.ID] = one
	}
	return all
}

// deletes returns a batch that deletes the first pass of each user. The IDs are "0", "1" and so on.
func deletes(users []User) string {
	var requests []string
	for i, u := range users {
		requests = append(requests, fmt.Sprintf(`{"id":"%d","method":"DELETE","url":"/users/%s%s/%s"}`,
			i, u.ID, passesPath, u.Passes[0].ID))
	}
	return `{"requests":[` + strings.Join(requests, ",") + `]}`
}

// pages reads all pages of a collection. n is their number.
func pages(t *testing.T, c client, path string, headers ...string) (all []map[string]any, n int) {
	t.Helper()
	for path != "" {
		if n++; n > 5000 {
			t.Fatal("the pages do not end")
		}
		r := c.get(t, path, headers...)
		var page struct {
			Next  string `json:"@odata.nextLink"`
			Value []map[string]any
		}
		assert.OK(t, json.Unmarshal([]byte(r.Body), &page), path)
		if r.Status != 200 {
			t.Fatalf("GET %s = %d %s", path, r.Status, r.Body)
		}
		all = append(all, page.Value...)
		path = strings.TrimPrefix(page.Next, v1)
	}
	return all, n
}

// values returns one property of each object.
func values(all []map[string]any, property string) []string {
	texts := []string{}
	for _, o := range all {
		texts = append(texts, fmt.Sprint(o[property]))
	}
	return texts
}

// listed returns the passes that a LIST shows.
func listed(t *testing.T, tenant *Tenant, user string) []map[string]any {
	t.Helper()
	all, _ := pages(t, clients(tenant)["direct"], "/users/"+user+passesPath)
	return all
}

func start(t *testing.T, tenant *Tenant) *Server {
	t.Helper()
	s := assert.Must(tenant.Start())
	t.Cleanup(func() { s.Close() })
	return s
}

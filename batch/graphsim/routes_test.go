package graphsim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// got is an answer as a client sees it, whichever door it came through.
type got struct {
	Status int
	Header http.Header
	Body   string
}

func (g got) code() string {
	var in struct {
		Error struct{ Code string }
	}
	_ = json.Unmarshal([]byte(g.Body), &in) // not an error object: no code
	return in.Error.Code
}

// door sends one request and brings back its answer.
type door func(t *testing.T, method, url, body string) got

// responses reads a batch response by id. A test of broken ones reads it itself.
func responses(t *testing.T, body []byte) map[string]got {
	t.Helper()
	var in struct {
		Responses []struct {
			ID      string
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		t.Fatalf("batch response: %v\n%s", err, body)
	}
	all := make(map[string]got)
	for _, r := range in.Responses {
		g := got{Status: r.Status, Header: http.Header{}, Body: string(r.Body)}
		for name, value := range r.Headers {
			g.Header.Set(name, value)
		}
		if g.Body == "null" {
			g.Body = ""
		}
		all[r.ID] = g
	}
	return all
}

func envelope(method, url, body string) string {
	quoted, _ := json.Marshal(url)
	s := `{"requests":[{"id":"1","method":"` + method + `","url":` + string(quoted)
	if body != "" {
		s += `,"headers":{"Content-Type":"application/json"},"body":` + body
	}
	return s + `}]}`
}

func send(t *testing.T, client *http.Client, token, method, url, body string) got {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got{resp.StatusCode, resp.Header, string(b)}
}

func start(t *testing.T, tenant *Tenant) *Server {
	t.Helper()
	s, err := tenant.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// doors lists every way into a tenant. Each takes a URL below the version.
func doors(t *testing.T, tenant *Tenant) map[string]door {
	server := start(t, tenant)
	client, inside := server.Client(), &http.Client{Transport: tenant}
	t.Cleanup(client.CloseIdleConnections)
	return map[string]door{
		"direct over TLS": func(t *testing.T, method, url, body string) got {
			return send(t, client, tenant.Entra.Token(), method, server.URL+"/v1.0"+url, body)
		},
		"direct without a socket": func(t *testing.T, method, url, body string) got {
			return send(t, inside, tenant.Entra.Token(), method, wire.PublicRoot+"/beta"+url, body)
		},
		"batch over TLS": func(t *testing.T, method, url, body string) got {
			g := send(t, client, tenant.Entra.Token(), "POST", server.URL+"/v1.0/$batch", envelope(method, url, body))
			return responses(t, []byte(g.Body))["1"]
		},
		"PostBatch": func(t *testing.T, method, url, body string) got {
			reply, err := tenant.PostBatch(t.Context(), []byte(envelope(method, url, body)))
			if err != nil {
				t.Fatal(err)
			}
			return responses(t, reply.Body)["1"]
		},
	}
}

const (
	dana    = "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c311"
	pass    = "b7e0c9a2-6d15-4a77-8f0e-31c5d2f4a6aa"
	absent  = "00000000-0000-4000-8000-000000000001"
	methods = "/authentication/temporaryAccessPassMethods"
)

func cast() []User {
	return []User{
		{ID: dana, UPN: "Dana@contoso.example", Passes: []Pass{{ID: pass}}},
		{UPN: "o'neil@contoso.example", Passes: []Pass{{ID: pass}}},
		{UPN: "lee_fabrikam.com#EXT#@contoso.example", Guest: true},
		{UPN: "root@contoso.example", Privileged: true, Passes: []Pass{{ID: pass}}},
		{UPN: "$x@contoso.example", Disabled: true},
	}
}

func TestRoutes(t *testing.T) {
	tests := []struct {
		name, method, url, body string
		status                  int
		code                    string // of the error
		holds                   string // part of the body
	}{
		{name: "list by id", method: "GET", url: "/users/" + dana + methods, status: 200, holds: `"temporaryAccessPass":null`},
		{name: "list by UPN in another case", method: "GET", url: "/users/DANA@contoso.example" + methods, status: 200, holds: pass},
		{name: "list of nothing", method: "GET", url: "/users/lee_fabrikam.com%23EXT%23@contoso.example" + methods, status: 200, holds: `"value":[]`},
		{name: "get", method: "GET", url: "/users/" + dana + methods + "/" + strings.ToUpper(pass), status: 200, holds: `"id":"` + pass},
		{name: "get another", method: "GET", url: "/users/" + dana + methods + "/" + absent, status: 404},
		{name: "delete", method: "DELETE", url: "/users/" + dana + methods + "/" + pass, status: 204},
		{name: "delete by key", method: "DELETE", url: "/users('o''neil@contoso.example')" + methods + "('" + pass + "')", status: 204},
		{name: "delete with an apostrophe", method: "DELETE", url: "/users/o%27neil@contoso.example" + methods + "/" + pass, status: 204},
		{name: "delete another", method: "DELETE", url: "/users/" + dana + methods + "/" + absent, status: 404},
		{name: "delete from nobody", method: "DELETE", url: "/users/" + absent + methods + "/" + pass, status: 404, code: "Request_ResourceNotFound"},
		{name: "delete from the privileged", method: "DELETE", url: "/users/root@contoso.example" + methods + "/" + pass, status: 403, code: "accessDenied"},
		{name: "list of the privileged", method: "GET", url: "/users/root@contoso.example" + methods, status: 403, code: "accessDenied"},
		{name: "generic delete", method: "DELETE", url: "/users/" + dana + "/authentication/methods/" + pass, status: 404, holds: "mface.windowsazure.com"},
		{name: "count", method: "GET", url: "/users/" + dana + methods + "?$count=true", status: 400, code: "BadRequest"},
		{name: "create", method: "POST", url: "/users/" + dana + methods, body: `{"lifetimeInMinutes":30,"isUsableOnce":true}`, status: 201, holds: `"isUsableOnce":true`},
		{name: "create for too short", method: "POST", url: "/users/" + dana + methods, body: `{"lifetimeInMinutes":5}`, status: 400},
		{name: "create for a guest", method: "POST", url: "/users/lee_fabrikam.com%23EXT%23@contoso.example" + methods, body: `{}`, status: 400},
		{name: "user", method: "GET", url: "/users/" + dana + "?$select=id,accountEnabled", status: 200, holds: `"id":"` + dana + `","accountEnabled":true}`},
		{name: "disabled user by key", method: "GET", url: "/users('$x@contoso.example')", status: 200, holds: `"accountEnabled":false`},
		{name: "dollar without key", method: "GET", url: "/users/$x@contoso.example", status: 400},
		{name: "users", method: "GET", url: "/users?$top=2", status: 200, holds: `@odata.nextLink":"https://`},
		{name: "users, page too large", method: "GET", url: "/users?$top=1000", status: 400},
		{name: "revoke sessions without the role", method: "POST", url: "/users/" + dana + "/revokeSignInSessions", body: `{}`, status: 403, code: "Authorization_RequestDenied"},
		{name: "me", method: "GET", url: "/me" + methods, status: 400, code: "BadRequest"},
		{name: "wrong verb", method: "PUT", url: "/users/" + dana + methods, body: `{}`, status: 405, code: "Request_BadRequest"},
		{name: "delete of the collection", method: "DELETE", url: "/users/" + dana + methods, status: 405},
		{name: "users, filtered", method: "GET", url: "/users?$filter=userPrincipalName%20eq%20'o''neil@contoso.example'", status: 200, holds: `"value":[{"id":"`},
		{name: "users, filtered badly", method: "GET", url: "/users?$filter=mail%20eq%20'x'", status: 400, code: "Request_UnsupportedQuery"},
		{name: "group without the role", method: "GET", url: "/groups/" + absent, status: 403, code: "Authorization_RequestDenied"},
		{name: "audits without the role", method: "GET", url: "/auditLogs/directoryAudits", status: 403, code: "Authentication_MSGraphPermissionMissing"},
		{name: "report without the role", method: "GET", url: "/reports/authenticationMethods/userRegistrationDetails", status: 403, code: "Authentication_MSGraphPermissionMissing"},
		{name: "delete of a group", method: "DELETE", url: "/groups/" + absent, status: 405},
		{name: "other audits", method: "GET", url: "/auditLogs/signIns", status: 404},
		{name: "unknown", method: "GET", url: "/groups", status: 404},
		{name: "unknown below", method: "GET", url: "/users/" + dana + "/messages", status: 404},
		{name: "too deep", method: "GET", url: "/users/" + dana + methods + "/" + pass + "/a/b/c/d", status: 404},
		{name: "dot segments", method: "DELETE", url: "/users/x/../" + dana + methods + "/" + pass, status: 400},
		{name: "encoded dot segments", method: "DELETE", url: "/users/x/%2e%2e/" + dana + methods + "/" + pass, status: 400},
		{name: "encoded slash", method: "GET", url: "/users/" + dana + "%2fauthentication/temporaryAccessPassMethods", status: 400},
		{name: "empty segment", method: "GET", url: "/users//" + dana, status: 400},
		{name: "encoded twice", method: "GET", url: "/users/dana%2540contoso.example", status: 404, code: "Request_ResourceNotFound"},
	}
	for _, name := range []string{"direct over TLS", "direct without a socket", "batch over TLS", "PostBatch"} {
		t.Run(name, func(t *testing.T) {
			tenant := New(Options{})
			in := doors(t, tenant)[name]
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					for _, u := range cast() { // as it was
						tenant.AddUser(u)
					}
					g := in(t, tt.method, tt.url, tt.body)
					if g.Status != tt.status || tt.code != "" && g.code() != tt.code || !strings.Contains(g.Body, tt.holds) {
						t.Errorf("%s %s = %d %s %s, want %d %s with %q", tt.method, tt.url, g.Status, g.code(), g.Body, tt.status, tt.code, tt.holds)
					}
					if g.Status == 204 && g.Body != "" {
						t.Errorf("204 has the body %s", g.Body)
					}
					if g.Status >= 400 && (!strings.Contains(g.Body, `"request-id":"`) || !strings.Contains(g.Body, `"client-request-id":"`)) {
						t.Errorf("no ids in the error %s", g.Body)
					}
				})
			}
		})
	}
}

func TestDeleteLeavesTheRest(t *testing.T) {
	tenant := New(Options{Record: true})
	users := tenant.AddUsers(3)
	if _, err := tenant.PostBatch(t.Context(), deletes(users[1:2])); err != nil {
		t.Fatal(err)
	}
	want := []HeldPass{
		{users[0].ID, "user0001@contoso.example", users[0].Passes[0].ID},
		{users[2].ID, "user0003@contoso.example", users[2].Passes[0].ID},
	}
	if diff := cmp.Diff(want, tenant.Remaining()); diff != "" {
		t.Errorf("Left (-want +got):\n%s", diff)
	}
	log := tenant.Log()
	if len(log) != 1 || log[0].Batch != 1 || log[0].Status != 204 || !log[0].Done {
		t.Errorf("Log = %+v", log)
	}
}

func TestPaging(t *testing.T) {
	for _, empty := range []bool{false, true} {
		tenant := New(Options{EmptyPages: empty})
		tenant.AddUsers(7)
		client := &http.Client{Transport: tenant}
		var names []string
		pages := 0
		for url := wire.PublicRoot + "/v1.0/users?$select=userPrincipalName&$top=3"; url != ""; pages++ {
			var page struct {
				Next  string `json:"@odata.nextLink"`
				Value []map[string]string
			}
			g := send(t, client, tenant.Entra.Token(), "GET", url, "")
			if err := json.Unmarshal([]byte(g.Body), &page); err != nil || g.Status != 200 {
				t.Fatalf("%s: %d %s", url, g.Status, g.Body)
			}
			for _, u := range page.Value {
				if len(u) != 1 {
					t.Errorf("$select gave %v", u)
				}
				names = append(names, u["userPrincipalName"])
			}
			url = page.Next
		}
		if len(names) != 7 || len(slices.Compact(names)) != 7 {
			t.Errorf("pages hold %v", names)
		}
		if want := map[bool]int{false: 3, true: 5}[empty]; pages != want {
			t.Errorf("%d pages, want %d", pages, want)
		}
	}
}

func TestForeignLinks(t *testing.T) {
	tenant := New(Options{ForeignLinks: true})
	tenant.AddUsers(2)
	g := send(t, &http.Client{Transport: tenant}, tenant.Entra.Token(), "GET", wire.PublicRoot+"/v1.0/users?$top=1", "")
	if !strings.Contains(g.Body, `"https://graph.example.net/v1.0/users?`) {
		t.Errorf("next link: %s", g.Body)
	}
}

func TestUsability(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 123456700, time.UTC)
	tests := []struct {
		name string
		pass Pass
		want string
	}{
		{"live", Pass{Start: now, LifetimeMinutes: 10}, "EnabledByPolicy"},
		{"scheduled", Pass{Start: now.Add(1), LifetimeMinutes: 10}, "NotYetValid"},
		{"expired", Pass{Start: now.Add(-10 * time.Minute), LifetimeMinutes: 10}, "Expired"},
		{"said", Pass{Start: now, LifetimeMinutes: 10, Reason: "OneTimeUsed"}, "OneTimeUsed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, id := range []string{"0", "1", "2"} { // each in another form of timestamp
				tt.pass.ID = id
				var got struct {
					StartDateTime         time.Time
					IsUsable              bool
					MethodUsabilityReason string
				}
				b := wire.Marshal(New(Options{}).shown(&tt.pass, now))
				if err := json.Unmarshal(b, &got); err != nil {
					t.Fatalf("%v: %s", err, b)
				}
				if got.MethodUsabilityReason != tt.want || got.IsUsable != (tt.want == "EnabledByPolicy") || !got.StartDateTime.Truncate(time.Second).Equal(tt.pass.Start.Truncate(time.Second)) {
					t.Errorf("%s", b)
				}
			}
		})
	}
}

func TestSeedPair(t *testing.T) {
	tenant := New(Options{})
	guid := absent
	for range 2 { // the second time changes nothing
		tenant.AddPair("dana@contoso.example", pass, nil)
		tenant.AddPair("Dana@contoso.example", pass, nil)
		tenant.AddPair("Admin.kim@contoso.example", pass, nil)
		tenant.AddPair("gone.lee@contoso.example", pass, nil)
		tenant.AddPair("replaced.mia@contoso.example", pass, nil)
		tenant.AddPair("nopass.noa@contoso.example", pass, nil)
		tenant.AddPair("ona@contoso.example", "", nil)
		tenant.AddPair(guid, pass, nil)
	}
	left := map[string]string{}
	for _, h := range tenant.Remaining() {
		left[h.UPN] += h.PassID
	}
	mia, ona := left["replaced.mia@contoso.example"], left["ona@contoso.example"]
	want := map[string]string{
		"dana@contoso.example":         pass,
		"Admin.kim@contoso.example":    pass,
		"replaced.mia@contoso.example": mia,
		"ona@contoso.example":          ona,
		guid + "@contoso.example":      pass,
	}
	if diff := cmp.Diff(want, left); diff != "" || len(mia) != 36 || mia == pass || len(ona) != 36 {
		t.Errorf("Left (-want +got):\n%s", diff)
	}
	statuses := map[string]int{"dana": 204, "admin.kim": 403, "gone.lee": 404, "replaced.mia": 404, "nopass.noa": 404}
	for name, status := range statuses {
		reply, err := tenant.PostBatch(t.Context(), []byte(envelope("DELETE", "/users/"+name+"@contoso.example"+methods+"/"+pass, "")))
		if err != nil {
			t.Fatal(err)
		}
		if g := responses(t, reply.Body)["1"]; g.Status != status {
			t.Errorf("%s: %d, want %d", name, g.Status, status)
		}
	}
	if !bytes.Equal(deletes(New(Options{}).AddUsers(3)), deletes(New(Options{Seed: 9}).AddUsers(3))) {
		t.Error("Populate made other ids the second time")
	}
}

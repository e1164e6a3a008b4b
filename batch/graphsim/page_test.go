package graphsim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asker gets something by itself or in a batch; headers are names and values in turn.
type asker func(t *testing.T, url string, headers ...string) got

const (
	level = "ConsistencyLevel"
	v1    = wire.PublicRoot + "/v1.0"
)

// askers lists the ways to get something, as a caller with those permissions.
func askers(tenant *Tenant, roles ...string) map[string]asker {
	client := &http.Client{Transport: tenant}
	return map[string]asker{
		"direct": func(t *testing.T, url string, headers ...string) got {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "GET", v1+url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+tenant.Entra.Token(roles...))
			for i := 0; i < len(headers); i += 2 {
				req.Header.Set(headers[i], headers[i+1])
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body json.RawMessage
			if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			return got{resp.StatusCode, resp.Header, string(body)}
		},
		"in a batch": func(t *testing.T, url string, headers ...string) got {
			t.Helper()
			h := map[string]string{}
			for i := 0; i < len(headers); i += 2 {
				h[headers[i]] = headers[i+1]
			}
			body, err := json.Marshal(map[string]any{"requests": []any{
				map[string]any{"id": "1", "method": "GET", "url": url, "headers": h},
			}})
			if err != nil {
				t.Fatal(err)
			}
			g := send(t, client, tenant.Entra.Token(roles...), "POST", v1+"/$batch", string(body))
			return responses(t, []byte(g.Body))["1"]
		},
	}
}

// object is a JSON object of an answer.
type object map[string]any

// pages reads a collection to its end.
func pages(t *testing.T, ask asker, url string, headers ...string) (all []object, n int) {
	t.Helper()
	for url != "" {
		if n++; n > 5000 {
			t.Fatal("the pages do not end")
		}
		g := ask(t, url, headers...)
		var page struct {
			Next  string `json:"@odata.nextLink"`
			Value []object
		}
		if err := json.Unmarshal([]byte(g.Body), &page); err != nil || g.Status != 200 {
			t.Fatalf("GET %s = %d %s", url, g.Status, g.Body)
		}
		all = append(all, page.Value...)
		url = strings.TrimPrefix(page.Next, v1)
	}
	return all, n
}

func values(all []object, property string) []string {
	var of []string
	for _, o := range all {
		of = append(of, fmt.Sprint(o[property]))
	}
	return of
}

var finder = []string{"User.Read.All", "GroupMember.Read.All", "AuditLog.Read.All"}

// Whatever the size of a page, and with empty ones or without, the pages of a
// collection hold each thing once.
func TestPagesHoldEachOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		n := rng.IntN(40)
		tenant := New(Options{EmptyPages: round%2 == 0, Audit: true})
		by := &Actor{UPN: "user00@contoso.example"}
		var ids, guests []string
		tenant.AddMany(n, func(i int) User {
			u := User{UPN: fmt.Sprintf("user%02d@contoso.example", i), Guest: rng.IntN(3) == 0}
			u.Admin = u.Guest
			u.ID = wire.GUID("user", u.UPN)
			u.Passes = []Pass{{CreatedBy: by, Created: time.Now().Add(-time.Duration(rng.IntN(9)) * time.Minute)}}
			if ids = append(ids, u.ID); u.Guest {
				guests = append(guests, u.ID)
			}
			return u
		})
		slices.Sort(ids)
		slices.Sort(guests)
		inner := tenant.AddGroup(Group{Name: "inner", Members: ids[n/2:]})
		outer := tenant.AddGroup(Group{Name: "outer", Members: ids[:n/2+rng.IntN(n-n/2+1)], Groups: []string{inner}})
		for name, ask := range askers(tenant, finder...) {
			for _, top := range []int{1, 2, 1 + rng.IntN(n+1), n + 1, maxPage} {
				for _, tt := range []struct {
					name, url string
					of        func([]object) []string
					want      []string
				}{
					{"users", "/users?$select=id", nil, ids},
					{"guests", "/users?$filter=" + url.PathEscape("userType eq 'Guest'"), nil, guests},
					{"members", "/groups/" + outer + "/transitiveMembers/microsoft.graph.user?$count=true", nil, ids},
					{"all members", "/groups/" + outer + "/transitiveMembers?$select=id", nil, slices.Sorted(slices.Values(append(slices.Clone(ids), inner)))},
					{"admins", "/reports/authenticationMethods/userRegistrationDetails?$filter=" + url.PathEscape("isAdmin eq true"), nil, guests},
					{"audits", "/auditLogs/directoryAudits?", func(all []object) []string {
						var targets []string
						for _, o := range all {
							targets = append(targets, o["targetResources"].([]any)[0].(map[string]any)["id"].(string))
						}
						return targets
					}, ids},
				} {
					all, pageCount := pages(t, ask, fmt.Sprintf("%s&$top=%d", tt.url, top), level, "eventual")
					of := values(all, "id")
					if tt.of != nil {
						of = tt.of(all)
					}
					slices.Sort(of)
					if diff := cmp.Diff(tt.want, of); diff != "" {
						t.Fatalf("%s %s, $top=%d of %d (-want +got):\n%s", name, tt.name, top, n, diff)
					}
					want := max(1, (len(tt.want)+top-1)/top)
					if round%2 == 0 {
						want = 2*want - 1
					}
					if pageCount != want {
						t.Errorf("%s %s: %d pages of %d for %d, want %d", name, tt.name, pageCount, top, len(tt.want), want)
					}
				}
			}
		}
	}
}

// A page that fails twice is there the third time, and nothing is lost.
func TestFaultsOnPages(t *testing.T) {
	tests := []struct{ name, url, path string }{
		{"users", "/users?$top=2&$filter=accountEnabled%20eq%20true", "$skiptoken"},
		{"members", "/groups/" + absent + "/transitiveMembers/microsoft.graph.user?$top=2&$count=true", "/groups/" + absent},
		{"audits", "/auditLogs/directoryAudits?$top=2", "directoryAudits"},
		{"report", "/reports/authenticationMethods/userRegistrationDetails?$top=2", "/reports/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"direct", "in a batch"} {
				tenant := New(Options{Audit: true, Faults: []fault.Fault{
					{Method: "GET", Path: tt.path, Times: 2, Do: fault.ItemStatus(503, "Retry-After", "1")},
				}})
				tenant.AddUsers(5)
				for _, u := range tenant.users {
					tenant.GivePass(u.ID, Pass{CreatedBy: tenant.audits.app})
				}
				tenant.AddGroup(Group{ID: absent, Members: idsOf(tenant)})
				failed := 0
				patient := func(t *testing.T, url string, headers ...string) got {
					for {
						g := askers(tenant, finder...)[name](t, url, headers...)
						if g.Status != 503 {
							return g
						}
						if failed++; g.Header.Get("Retry-After") != "1" {
							t.Errorf("503 without a wait: %v", g.Header)
						}
					}
				}
				all, _ := pages(t, patient, tt.url, level, "eventual")
				if len(all) != 5 || failed != 2 {
					t.Errorf("%s: %d found after %d failures, want 5 after 2", name, len(all), failed)
				}
			}
		})
	}
}

func idsOf(tenant *Tenant) []string {
	var ids []string
	for _, u := range tenant.users {
		ids = append(ids, u.ID)
	}
	return ids
}

func TestQueryOptions(t *testing.T) {
	tenant := New(Options{Audit: true})
	tenant.AddUsers(3)
	id := tenant.AddGroup(Group{Name: "g", Members: idsOf(tenant)})
	tests := []struct {
		name, url string
		headers   []string
		status    int
		code      string
		holds     string
	}{
		{name: "count without the header", url: "/users?$count=true", status: 400, code: "Request_UnsupportedQuery"},
		{name: "count", url: "/users?$count=true", headers: []string{level, "eventual"}, status: 200, holds: `"@odata.count":3`},
		{name: "count of a filter", url: "/users?$count=true&$top=1&$filter=startswith(userPrincipalName,'user0001')", headers: []string{level, "eventual"}, status: 200, holds: `"@odata.count":1`},
		{name: "no count", url: "/users?$count=false", status: 200},
		{name: "bad count", url: "/users?$count=yes", headers: []string{level, "eventual"}, status: 400},
		{name: "order", url: "/users?$orderby=displayName", status: 400, code: "Request_UnsupportedQuery"},
		{name: "skip", url: "/users?$skip=1", status: 400, code: "Request_UnsupportedQuery"},
		{name: "twice", url: "/users?$top=1&$top=2", status: 400},
		{name: "top 0", url: "/users?$top=0", status: 400, code: "Request_BadRequest"},
		{name: "top 1000", url: "/auditLogs/directoryAudits?$top=1000", status: 400},
		{name: "made-up token", url: "/users?$skiptoken=RFNwdAIAAQAAAzz", status: 400, code: "Directory_ExpiredPageToken"},
		{name: "made-up token, audits", url: "/auditLogs/directoryAudits?$skiptoken=RFNwdAIAAQAAAzz", status: 400, code: "Directory_ExpiredPageToken"},
		{name: "no token", url: "/users?$skiptoken=x", status: 400, code: "Directory_ExpiredPageToken"},
		{name: "filter of members", url: "/groups/" + id + "/transitiveMembers?$filter=accountEnabled%20eq%20true", status: 400, code: "Request_UnsupportedQuery"},
		{name: "no option", url: "/users?top=1", status: 200},
	}
	for door, ask := range askers(tenant, finder...) {
		for _, tt := range tests {
			t.Run(door+"/"+tt.name, func(t *testing.T) {
				g := ask(t, tt.url, tt.headers...)
				if g.Status != tt.status || tt.code != "" && g.code() != tt.code || !strings.Contains(g.Body, tt.holds) {
					t.Errorf("GET %s = %d %s, want %d %s %s", tt.url, g.Status, g.Body, tt.status, tt.code, tt.holds)
				}
			})
		}
	}
	// The count is on the first page only, and the next one needs the header again.
	for _, ask := range askers(tenant, finder...) {
		g := ask(t, "/users?$count=true&$top=2", level, "eventual")
		var page struct {
			Next string `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal([]byte(g.Body), &page); err != nil {
			t.Fatal(err)
		}
		next := strings.TrimPrefix(page.Next, v1)
		if g := ask(t, next); g.Status != 400 {
			t.Errorf("next page without the header: %d", g.Status)
		}
		if g := ask(t, next, level, "eventual"); g.Status != 200 || strings.Contains(g.Body, "@odata.count") {
			t.Errorf("next page: %d %s", g.Status, g.Body)
		}
	}
}

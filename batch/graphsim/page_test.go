package graphsim

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
)

// eventual are the headers of an advanced query.
var eventual = []string{"ConsistencyLevel", "eventual"}

// targets returns the IDs of the target users of audit entries.
func targets(all []map[string]any) (ids []string) {
	for _, o := range all {
		ids = append(ids, o["targetResources"].([]any)[0].(map[string]any)["id"].(string))
	}
	return ids
}

// crowd is a tenant of n users, some of them guests and admins, with two nested groups
// that together hold all users.
type crowd struct {
	*Tenant
	ids, guests []string // sorted
	group       string
}

func newCrowd(n int, emptyPages bool, rng *rand.Rand) *crowd {
	c := &crowd{Tenant: New(Options{EmptyPages: emptyPages, Audit: true}), ids: []string{}, guests: []string{}}
	by := &Actor{UPN: "user00@contoso.example"}
	c.AddMany(n, func(i int) User {
		u := User{UPN: fmt.Sprintf("user%02d@contoso.example", i), Guest: rng.IntN(3) == 0}
		u.ID, u.Privileged = wire.GUID("user", u.UPN), u.Guest
		created := time.Now().Add(-time.Duration(rng.IntN(9)) * time.Minute)
		u.Passes = []Pass{{CreatedBy: by, Created: created}}
		c.ids = append(c.ids, u.ID)
		if u.Guest {
			c.guests = append(c.guests, u.ID)
		}
		return u
	})
	slices.Sort(c.ids)
	slices.Sort(c.guests)
	inner := c.AddGroup(Group{Name: "inner", Members: c.ids[n/2:]})
	c.group = c.AddGroup(Group{Name: "outer", Members: c.ids[:n/2+rng.IntN(n-n/2+1)], Groups: []string{inner}})
	return c
}

// The pages of a collection have each item once, for any page size, with and without empty
// pages.
func TestPagesHoldEachOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		n, emptyPages := rng.IntN(40), round%2 == 0
		c := newCrowd(n, emptyPages, rng)
		collections := []struct {
			name, path string
			want       []string
		}{
			{"users", "/users?$select=id", c.ids},
			{"guests", "/users?$filter=" + url.PathEscape("userType eq 'Guest'"), c.guests},
			{"members", "/groups/" + c.group + "/transitiveMembers/microsoft.graph.user?$count=true", c.ids},
			{"admins", reportPath + "?$filter=" + url.PathEscape("isAdmin eq true"), c.guests},
			{"audits", auditsPath + "?", c.ids},
		}
		for name, get := range clients(c.Tenant, scanRoles...) {
			for _, top := range []int{1, 2, 1 + rng.IntN(n+1), n + 1, maxPage} {
				for _, tt := range collections {
					what := fmt.Sprintf("%s %s of %d, $top=%d", name, tt.name, n, top)
					all, pageCount := pages(t, get, fmt.Sprintf("%s&$top=%d", tt.path, top), eventual...)
					ids := values(all, "id")
					if tt.name == "audits" {
						ids = append([]string{}, targets(all)...)
					}
					slices.Sort(ids)
					check(t, what, ids, tt.want)
					check(t, what+": pages", pageCount, pagesOf(len(tt.want), top, emptyPages))
				}
			}
		}
	}
}

// pagesOf returns how many pages a collection has.
func pagesOf(n, top int, emptyPages bool) int {
	pages := max(1, (n+top-1)/top)
	if emptyPages {
		return 2*pages - 1 // one between each two
	}
	return pages
}

// A page that fails twice is returned the third time, and no item is lost.
func TestFaultsOnPages(t *testing.T) {
	members := "/groups/" + otherID + "/transitiveMembers/microsoft.graph.user"
	for _, tt := range []struct{ name, path, faulty string }{
		{"users", "/users?$top=2&$filter=accountEnabled%20eq%20true", "$skiptoken"},
		{"members", members + "?$top=2&$count=true", "/groups/" + otherID},
		{"audits", auditsPath + "?$top=2", "directoryAudits"},
		{"report", reportPath + "?$top=2", "/reports/"},
	} {
		tenant := New(Options{Audit: true, Faults: []fault.Fault{
			{Method: "GET", Path: tt.faulty, Times: 2, Do: fault.ItemStatus(503, "Retry-After", "1")},
		}})
		var ids []string
		for _, u := range tenant.AddUsers(5) {
			tenant.GivePass(u.ID, Pass{CreatedBy: appActor})
			ids = append(ids, u.ID)
		}
		tenant.AddGroup(Group{ID: otherID, Members: ids})
		get, failed := clients(tenant, scanRoles...)["in a batch"], 0
		patient := func(t *testing.T, method, path, body string, headers ...string) reply {
			for {
				r := get(t, method, path, body, headers...)
				if r.Status != 503 {
					return r
				}
				failed++
				check(t, "Retry-After", r.Header.Get("Retry-After"), "1")
			}
		}
		all, _ := pages(t, patient, tt.path, eventual...)
		check(t, tt.name+": found", len(all), 5)
		check(t, tt.name+": failures", failed, 2)
	}
}

func TestQueryOptions(t *testing.T) {
	tenant := New(Options{Audit: true})
	tenant.AddUsers(3)
	group := tenant.AddGroup(Group{Name: "g"})
	members := "/groups/" + group + "/transitiveMembers/microsoft.graph.user"
	const unsupported, expired = "Request_UnsupportedQuery", "Directory_ExpiredPageToken"
	tests := []struct {
		name, path string
		headers    []string
		status     int
		code       string
		holds      string
	}{
		{"count without the header", "/users?$count=true", nil, 400, unsupported, ""},
		{"count", "/users?$count=true", eventual, 200, "", `"@odata.count":3`},
		{"count of a filter", "/users?$count=true&$top=1&$filter=startswith(userPrincipalName,'user0001')", eventual,
			200, "", `"@odata.count":1`},
		{"no count", "/users?$count=false", nil, 200, "", ""},
		{"order", "/users?$orderby=displayName", nil, 400, unsupported, ""},
		{"skip", "/users?$skip=1", nil, 400, unsupported, ""},
		{"top 0", "/users?$top=0", nil, 400, "Request_BadRequest", ""},
		{"top 1000", auditsPath + "?$top=1000", nil, 400, "Request_BadRequest", ""},
		{"made-up token", "/users?$skiptoken=RFNwdAIAAQAAAzz", nil, 400, expired, ""},
		{"made-up token, audits", auditsPath + "?$skiptoken=RFNwdAIAAQAAAzz", nil, 400, expired, ""},
		{"no token", "/users?$skiptoken=x", nil, 400, expired, ""},
		{"filter of members", members + "?$count=true&$filter=accountEnabled%20eq%20true", eventual,
			400, unsupported, ""},
		{"members without the header", members + "?$count=true", nil, 400, unsupported, ""},
		{"members without the count", members, eventual, 400, unsupported, ""},
		{"not an OData option", "/users?top=1", nil, 200, "", ""},
	}
	for name, c := range clients(tenant, scanRoles...) {
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				r := c.get(t, tt.path, tt.headers...)
				check(t, "status", r.Status, tt.status)
				check(t, "code", r.code(), tt.code)
				checkHolds(t, "body", r.Body, tt.holds)
			})
		}
	}
}

// Only the first page has the count. The next page needs the header again.
func TestCountOnNextPage(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUsers(3)
	for name, c := range clients(tenant) {
		first := c.get(t, "/users?$count=true&$top=2", eventual...).object(t)
		next := strings.TrimPrefix(first["@odata.nextLink"].(string), v1)
		check(t, name+": without the header", c.get(t, next).Status, 400)
		second := c.get(t, next, eventual...)
		check(t, name+": with the header", second.Status, 200)
		check(t, name+": has a count", second.object(t)["@odata.count"], nil)
	}
}

func TestForeignLinks(t *testing.T) {
	tenant := New(Options{ForeignLinks: true})
	tenant.AddUsers(2)
	r := clients(tenant)["direct"].get(t, "/users?$top=1")
	checkHolds(t, "page", r.Body, `"@odata.nextLink":"https://graph.example.net/v1.0/users?`)
}

package graphsim

import (
	"tapsweep/batch/graphsim/quota"
	"testing"
	"testing/synctest"
	"time"
)

func TestResourceUnits(t *testing.T) {
	const members = "/groups/x/transitiveMembers"
	tests := []struct {
		method, url string
		want        int
	}{
		{"GET", "/users", 2},
		{"GET", "/users?$select=id", 1},
		{"GET", "/users?%24select=id&%24top=999", 1},
		{"GET", "/users?$top=999", 2},
		{"GET", "/users?$top=19", 1},
		{"GET", "/users?$top=20", 2},
		{"GET", "/users?$expand=manager", 3},
		{"GET", "/users?$select=id&$top=1", 1},
		{"GET", "/users/x", 1},
		{"GET", "/users/x?$expand=manager", 2},
		{"GET", members, 5},
		{"GET", members + "/microsoft.graph.user?$select=id&$top=999&$count=true", 4},
		{"GET", members + "/microsoft.graph.user?$select=id&$top=5&$count=true", 3},
		{"GET", "/groups/x", 1},
		{"GET", "/users/x" + methods, 1},
		{"DELETE", "/users/x" + methods + "/y", 1},
		{"POST", "/users/x/revokeSignInSessions", 1},
		{"GET", "/nothing", 1},
	}
	for _, tt := range tests {
		made := calls([]batchRequest{{Method: tt.method, URL: tt.url, after: -1}}, "", nil)
		if got := made[0].cost()[quota.ResourceUnits]; got != tt.want {
			t.Errorf("%s %s costs %d, want %d", tt.method, tt.url, got, tt.want)
		}
	}
}

// Each row is a request and which limits count it.
func TestKinds(t *testing.T) {
	const report = "/reports/authenticationMethods/userRegistrationDetails"
	tests := []struct {
		method, url string
		kinds       []quota.Kind
	}{
		{"GET", "/users", []quota.Kind{quota.All, quota.Reads}},
		{"GET", "/users/" + dana, []quota.Kind{quota.All, quota.Reads}},
		{"GET", "/groups/" + dana, []quota.Kind{quota.All, quota.Reads}},
		{"GET", "/groups/" + dana + "/transitiveMembers", []quota.Kind{quota.All, quota.Reads}},
		{"GET", "/users/" + dana + methods, []quota.Kind{quota.All, quota.Reads, quota.PassReads}},
		{"GET", "/users/" + dana + methods + "/" + pass, []quota.Kind{quota.All, quota.Reads, quota.PassReads}},
		{"DELETE", "/users/" + dana + methods + "/" + pass, []quota.Kind{quota.All, quota.Writes}},
		{"GET", auditsPath, []quota.Kind{quota.All, quota.Reads}},
		{"GET", report, []quota.Kind{quota.All, quota.Reads}},
	}
	for _, tt := range tests {
		for kind := range quota.ResourceUnits {
			limit := quota.First(1, 7*time.Second).Of(kind)
			tenant := New(Options{Limits: []*quota.Limit{limit}, Roles: []string{"Directory.Read.All", "AuditLog.Read.All", "UserAuthMethod-TAP.ReadWrite.All"}})
			tenant.AddUser(User{ID: dana, Passes: []Pass{{ID: pass}}})
			tenant.AddGroup(Group{ID: dana})
			counts := false
			for _, k := range tt.kinds {
				counts = counts || k == kind
			}
			g := post(t, tenant, `{"id":"1","method":"`+tt.method+`","url":"`+tt.url+`"}`)["1"]
			if (g.Status == 429) != counts || g.Status == 429 && g.Header.Get("Retry-After") != "7" || g.Status >= 400 && g.Status != 429 {
				t.Errorf("%s %s under a limit of kind %d: %d %s", tt.method, tt.url, kind, g.Status, g.Body)
			}
		}
	}
}

// Pages of users take two units each out of a bucket, one with $select.
func TestResourceUnitsThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Limits: []*quota.Limit{quota.Bucket(1, 5).Of(quota.ResourceUnits)}})
		ask := askers(tenant)["direct"]
		for i, tt := range []struct {
			wait   time.Duration
			url    string
			status int
			retry  string
		}{
			{0, "/users", 200, ""},
			{0, "/users", 200, ""},
			{0, "/users", 429, "1"},
			{0, "/users?$select=id", 200, ""},
			{0, "/users?$select=id", 429, "1"},
			{time.Second, "/users", 429, "1"},
			{time.Second, "/users", 200, ""},
		} {
			time.Sleep(tt.wait)
			if g := ask(t, tt.url); g.Status != tt.status || g.Header.Get("Retry-After") != tt.retry {
				t.Errorf("request %d: %d, Retry-After %q; want %d, %q", i, g.Status, g.Header.Get("Retry-After"), tt.status, tt.retry)
			}
		}
		if s := tenant.Stats(); s.Refused != 3 || s.Accepted != 4 || s.Requests != 7 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

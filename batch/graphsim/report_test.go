package graphsim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	tenant := New(Options{})
	for _, u := range []User{
		{UPN: "amy@contoso.example"}, {UPN: "root@contoso.example", Privileged: true},
		{UPN: "lee@contoso.example", Guest: true}, {UPN: "kim@contoso.example", Admin: true},
	} {
		tenant.AddUser(u)
	}
	const path = "/reports/authenticationMethods/userRegistrationDetails"
	tests := []struct {
		name, url string
		want      []object // nil is 400
	}{
		{"admins", path + "?$filter=isAdmin%20eq%20true&$top=1&$select=userPrincipalName,isAdmin", []object{
			{"userPrincipalName": "root@contoso.example", "isAdmin": true}, {"userPrincipalName": "kim@contoso.example", "isAdmin": true},
		}},
		{"all", path + "?$select=userDisplayName,userType,isAdmin&$top=3", []object{
			{"userDisplayName": "amy@contoso.example", "userType": "member", "isAdmin": false},
			{"userDisplayName": "root@contoso.example", "userType": "member", "isAdmin": true},
			{"userDisplayName": "lee@contoso.example", "userType": "guest", "isAdmin": false},
			{"userDisplayName": "kim@contoso.example", "userType": "member", "isAdmin": true},
		}},
		{"others", path + "?$filter=isAdmin%20eq%20false", nil},
		{"by method", path + "?$filter=methodsRegistered/any(m:m%20eq%20'email')", nil},
		{"order", path + "?$orderby=id", nil},
	}
	for door, ask := range askers(tenant, "AuditLog.Read.All") {
		for _, tt := range tests {
			t.Run(door+"/"+tt.name, func(t *testing.T) {
				if tt.want == nil {
					if g := ask(t, tt.url); g.Status != 400 {
						t.Errorf("%d %s, want 400", g.Status, g.Body)
					}
					return
				}
				all, _ := pages(t, ask, tt.url)
				if diff := cmp.Diff(tt.want, all); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
		all, _ := pages(t, ask, path)
		for _, name := range []string{"id", "userPrincipalName", "userDisplayName", "userType", "isAdmin", "methodsRegistered", "lastUpdatedDateTime"} {
			if all[0][name] == nil {
				t.Errorf("%s: no %s in %v", door, name, all[0])
			}
		}
	}
}

func TestUnlicensed(t *testing.T) {
	for door, ask := range askers(New(Options{Unlicensed: true}), "AuditLog.Read.All") {
		g := ask(t, "/reports/authenticationMethods/userRegistrationDetails")
		if g.Status != 403 || g.code() != "Authentication_RequestFromNonPremiumTenantOrB2CTenant" {
			t.Errorf("%s: report %d %s", door, g.Status, g.Body)
		}
		if g := ask(t, auditsPath); g.Status != 200 {
			t.Errorf("%s: audits %d %s", door, g.Status, g.Body)
		}
	}
}

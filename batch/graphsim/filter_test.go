package graphsim

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUserFilter(t *testing.T) {
	tenant := New(Options{})
	for _, u := range []User{
		{UPN: "amy@contoso.example", Department: "Sales"},
		{UPN: "o'neil@contoso.example", Disabled: true, Department: "R and D"},
		{UPN: "lee_fabrikam.com#EXT#@contoso.example", Guest: true},
		{UPN: "Amos@contoso.example", Guest: true, Disabled: true, Department: "sales"},
	} {
		tenant.AddUser(u)
	}
	amy, neil, lee, amos := "amy", "o'neil", "lee_fabrikam.com#EXT#", "Amos"
	tests := []struct {
		filter string
		want   []string // nil is 400
	}{
		{"accountEnabled eq true", []string{amy, lee}},
		{"accountEnabled eq false", []string{neil, amos}},
		{"userType eq 'Guest'", []string{lee, amos}},
		{"userType eq 'member'", []string{amy, neil}},
		{"userPrincipalName eq 'AMY@contoso.example'", []string{amy}},
		{"userPrincipalName eq 'o''neil@contoso.example'", []string{neil}},
		{"userPrincipalName eq 'nobody'", []string{}},
		{"startswith(userPrincipalName,'am')", []string{amy, amos}},
		{"startswith( userPrincipalName , 'o''n' )", []string{neil}},
		{"startswith(userPrincipalName,'lee_fabrikam.com#')", []string{lee}},
		{"startswith(userPrincipalName,'" + strings.Repeat("x", 200) + "')", []string{}},
		{"department eq 'Sales'", []string{amy, amos}},
		{"department eq 'R and D'", []string{neil}},
		{"department eq 'Sales' and accountEnabled eq true", []string{amy}},
		{"startswith(userPrincipalName,'a') and userType eq 'Guest' and accountEnabled eq false", []string{amos}},
		{"  userType eq 'Guest'  and  accountEnabled eq true ", []string{lee}},

		{"", nil},
		{"accountEnabled", nil},
		{"accountEnabled eq", nil},
		{"accountEnabled eq 'true'", nil},
		{"accountEnabled eq TRUE", nil},
		{"accountEnabled ne true", nil},
		{"not accountEnabled eq true", nil},
		{"(accountEnabled eq true)", nil},
		{"accountEnabled eq true or userType eq 'Guest'", nil},
		{"accountEnabled eq true and", nil},
		{"and accountEnabled eq true", nil},
		{"userType eq 'Robot'", nil},
		{"userType eq Guest", nil},
		{"userPrincipalName eq 'o'neil@contoso.example'", nil},
		{"userPrincipalName eq 'amy", nil},
		{"userPrincipalName eq ''amy''", nil},
		{"userPrincipalName eq 'amy'and userType eq 'Guest'", nil},
		{"endswith(userPrincipalName,'example')", nil},
		{"startswith(displayName,'a')", nil},
		{"startswith(userPrincipalName 'a')", nil},
		{"startswith(userPrincipalName,'a'", nil},
		{"startswith(userPrincipalName,a)", nil},
		{"mail eq 'x'", nil},
	}
	for door, ask := range askers(tenant, "User.Read.All") {
		for _, tt := range tests {
			t.Run(door+"/"+tt.filter, func(t *testing.T) {
				path := "/users?$top=1&$filter=" + url.QueryEscape(tt.filter)
				if tt.want == nil {
					if g := ask(t, path); g.Status != 400 || g.code() != "Request_UnsupportedQuery" {
						t.Errorf("%d %s, want 400 Request_UnsupportedQuery", g.Status, g.Body)
					}
					return
				}
				all, _ := pages(t, ask, path)
				names := []string{}
				for _, upn := range values(all, "userPrincipalName") {
					names = append(names, strings.TrimSuffix(upn, "@contoso.example"))
				}
				if diff := cmp.Diff(tt.want, names); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

func TestBasicHidesEnabled(t *testing.T) {
	const selected = "/users?$select=id,accountEnabled"
	const filtered = "/users?$select=id&$filter=accountEnabled%20eq%20true"
	tests := []struct {
		name   string
		hides  bool
		roles  []string
		shown  string // in the page of selected
		status int    // of filtered
	}{
		{"basic", false, []string{"User.ReadBasic.All"}, `"accountEnabled":true`, 200},
		{"basic, hidden", true, []string{"User.ReadBasic.All"}, `"accountEnabled":null`, 403},
		{"all", true, []string{"User.Read.All"}, `"accountEnabled":true`, 200},
		{"both", true, []string{"User.ReadBasic.All", "User.ReadWrite.All"}, `"accountEnabled":true`, 200},
		{"directory", true, []string{"Directory.Read.All"}, `"accountEnabled":true`, 200},
	}
	for _, tt := range tests {
		tenant := New(Options{BasicHidesEnabled: tt.hides})
		users := tenant.AddUsers(1)
		for door, ask := range askers(tenant, tt.roles...) {
			t.Run(door+"/"+tt.name, func(t *testing.T) {
				if g := ask(t, selected); g.Status != 200 || !strings.Contains(g.Body, tt.shown) {
					t.Errorf("GET %s = %d %s, want %s", selected, g.Status, g.Body, tt.shown)
				}
				if g := ask(t, filtered); g.Status != tt.status {
					t.Errorf("GET %s = %d, want %d", filtered, g.Status, tt.status)
				}
				g := ask(t, "/users/"+users[0].ID)
				if hidden := !strings.Contains(g.Body, "accountEnabled"); hidden != (tt.status == 403) {
					t.Errorf("user: %s", g.Body)
				}
			})
		}
	}
}

func TestDepartment(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{UPN: "a@contoso.example", Department: "Sales"})
	tenant.AddUser(User{UPN: "b@contoso.example"})
	for door, ask := range askers(tenant, "User.Read.All") {
		all, _ := pages(t, ask, "/users?$select=department")
		if got := values(all, "department"); !slices.Equal(got, []string{"Sales", "<nil>"}) {
			t.Errorf("%s: %v", door, got)
		}
		if g := ask(t, "/users"); strings.Contains(g.Body, "department") {
			t.Errorf("%s: department without $select", door)
		}
	}
}

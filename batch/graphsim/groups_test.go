package graphsim

import (
	"slices"
	"strings"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// circle is three groups in a circle, one of which has a user who is in another too,
// one who is not there, and a group that is not there.
func circle(tenant *Tenant) (a, b, c string) {
	for _, name := range []string{"amy", "bob", "cid"} {
		tenant.AddUser(User{ID: wire.GUID(name), UPN: name + "@contoso.example"})
	}
	a, b, c = wire.GUID("a"), wire.GUID("b"), wire.GUID("c")
	tenant.AddGroup(Group{ID: a, Name: "A", Members: []string{wire.GUID("amy"), absent}, Groups: []string{b, absent}})
	tenant.AddGroup(Group{ID: b, Name: "B", Members: []string{wire.GUID("amy"), strings.ToUpper(wire.GUID("bob"))}, Groups: []string{c}})
	tenant.AddGroup(Group{ID: c, Name: "C", Members: []string{wire.GUID("cid")}, Groups: []string{a, b}})
	return a, b, c
}

func TestGroups(t *testing.T) {
	tenant := New(Options{})
	a, b, c := circle(tenant)
	members, cast := "/transitiveMembers", "/transitiveMembers/microsoft.graph.user"
	yes := []string{level, "eventual"}
	tests := []struct {
		name, url string
		headers   []string
		status    int
		code      string
		want      []string // names, in any order
	}{
		{name: "group", url: "/groups/" + a, status: 200},
		{name: "group by key", url: "/groups('" + strings.ToUpper(a) + "')", status: 200},
		{name: "unknown", url: "/groups/" + absent, status: 404, code: "Request_ResourceNotFound"},
		{name: "members of unknown", url: "/groups/" + absent + members, status: 404, code: "Request_ResourceNotFound"},
		{name: "no such property", url: "/groups/" + a + "/owners", status: 404},
		{name: "other cast", url: "/groups/" + a + members + "/microsoft.graph.device", status: 404},
		{name: "users", url: "/groups/" + a + cast + "?$count=true", headers: yes, status: 200, want: []string{"amy@contoso.example", "bob@contoso.example", "cid@contoso.example"}},
		{name: "users of the last", url: "/groups('" + c + "')" + cast + "?$count=true&$top=1", headers: yes, status: 200, want: []string{"amy@contoso.example", "bob@contoso.example", "cid@contoso.example"}},
		{name: "users without the header", url: "/groups/" + a + cast + "?$count=true", status: 400, code: "Request_UnsupportedQuery"},
		{name: "users without the count", url: "/groups/" + a + cast, headers: yes, status: 400, code: "Request_UnsupportedQuery"},
		{name: "users with another header", url: "/groups/" + a + cast + "?$count=true", headers: []string{level, "session"}, status: 400, code: "Request_UnsupportedQuery"},
		{name: "all", url: "/groups/" + a + members + "?$top=2", status: 200, want: []string{"B", "C", "amy@contoso.example", "bob@contoso.example", "cid@contoso.example"}},
		{name: "all of the middle", url: "/groups/" + b + "/transitivemembers?$count=true", headers: yes, status: 200, want: []string{"A", "C", "amy@contoso.example", "bob@contoso.example", "cid@contoso.example"}},
	}
	for door, ask := range askers(tenant, "GroupMember.Read.All", "User.ReadBasic.All") {
		for _, tt := range tests {
			t.Run(door+"/"+tt.name, func(t *testing.T) {
				if tt.want == nil {
					if g := ask(t, tt.url, tt.headers...); g.Status != tt.status || g.Status >= 400 && tt.code != "" && g.code() != tt.code {
						t.Errorf("GET %s = %d %s, want %d %s", tt.url, g.Status, g.Body, tt.status, tt.code)
					}
					return
				}
				all, _ := pages(t, ask, tt.url, tt.headers...)
				names := values(all, "displayName")
				slices.Sort(names)
				if diff := cmp.Diff(tt.want, names); diff != "" {
					t.Errorf("GET %s (-want +got):\n%s", tt.url, diff)
				}
				for _, o := range all {
					isGroup := o["@odata.type"] == "#microsoft.graph.group"
					if mixed := !strings.Contains(tt.url, cast); mixed && isGroup == strings.Contains(o["displayName"].(string), "@") || mixed && o["@odata.type"] == nil {
						t.Errorf("type of %v", o)
					}
				}
			})
		}
	}
}

func TestGroupPermissions(t *testing.T) {
	tests := []struct {
		roles  []string
		status int
		named  bool // members have more than an id
	}{
		{[]string{"GroupMember.Read.All"}, 200, false},
		{[]string{"GroupMember.ReadBasic.All"}, 200, false},
		{[]string{"GroupMember.ReadWrite.All"}, 200, false},
		{[]string{"Group.Read.All"}, 200, false},
		{[]string{"Group.ReadBasic.All"}, 200, false},
		{[]string{"Group.ReadWrite.All", "User.Read.All"}, 200, true},
		{[]string{"Directory.Read.All"}, 200, true},
		{[]string{"Directory.ReadWrite.All"}, 200, true},
		{[]string{"User.Read.All"}, 403, false},
		{[]string{"AuditLog.Read.All"}, 403, false},
	}
	for _, tt := range tests {
		tenant := New(Options{})
		a, _, _ := circle(tenant)
		for door, ask := range askers(tenant, tt.roles...) {
			for _, url := range []string{"/transitiveMembers?$select=id,userPrincipalName", "/transitiveMembers/microsoft.graph.user?$count=true", ""} {
				g := ask(t, "/groups/"+a+url, level, "eventual")
				if g.Status != tt.status || g.Status == 403 && g.code() != "Authorization_RequestDenied" {
					t.Errorf("%v, %s %s: %d %s, want %d", tt.roles, door, url, g.Status, g.Body, tt.status)
				}
				if named := strings.Contains(g.Body, "contoso.example"); url != "" && named != tt.named {
					t.Errorf("%v, %s %s: %s", tt.roles, door, url, g.Body)
				}
				if mixed := strings.HasPrefix(url, "/transitiveMembers?"); mixed && tt.status == 200 && !strings.Contains(g.Body, `"@odata.type":"#microsoft.graph.group","id":"`+wire.GUID("b")) {
					t.Errorf("%v, %s %s: no group in %s", tt.roles, door, url, g.Body)
				}
				if url != "" && tt.status == 200 && !strings.Contains(g.Body, wire.GUID("amy")) {
					t.Errorf("%v, %s %s: no ids in %s", tt.roles, door, url, g.Body)
				}
			}
		}
	}
}

// A member that comes later is a member then, and a group can be replaced.
func TestGroupsChange(t *testing.T) {
	tenant := New(Options{})
	a, _, c := circle(tenant)
	ask := askers(tenant, finder...)["direct"]
	count := func() int {
		all, _ := pages(t, ask, "/groups/"+a+"/transitiveMembers/microsoft.graph.user?$count=true", level, "eventual")
		return len(all)
	}
	before := count()
	tenant.AddUser(User{ID: absent, UPN: "new@contoso.example"})
	after := count()
	tenant.AddGroup(Group{ID: c})
	if emptied := count(); before != 3 || after != 4 || emptied != 3 {
		t.Errorf("%d, %d and %d members, want 3, 4 and 3", before, after, emptied)
	}
	if s := tenant.Stats(); s.Pages != 3 || s.Lists != 0 {
		t.Errorf("Stats = %+v", s)
	}
}

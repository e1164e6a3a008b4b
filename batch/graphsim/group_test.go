package graphsim

import (
	"slices"
	"strings"
	"testing"

	"tapsweep/batch/graphsim/internal/wire"
)

// addCircle adds three groups that form a cycle. One of them has a user who is also in another
// group, a user who does not exist, and a group that does not exist.
func addCircle(tenant *Tenant) (a, b, c string) {
	for _, name := range []string{"amy", "bob", "cid"} {
		tenant.AddUser(User{ID: wire.GUID(name), UPN: name + "@contoso.example"})
	}
	amy, bob, cid := wire.GUID("amy"), wire.GUID("bob"), wire.GUID("cid")
	a, b, c = wire.GUID("a"), wire.GUID("b"), wire.GUID("c")
	tenant.AddGroup(Group{ID: a, Name: "A", Members: []string{amy, otherID}, Groups: []string{b, otherID}})
	tenant.AddGroup(Group{ID: b, Name: "B", Members: []string{amy, strings.ToUpper(bob)}, Groups: []string{c}})
	tenant.AddGroup(Group{ID: c, Name: "C", Members: []string{cid}, Groups: []string{a, b}})
	return a, b, c
}

const usersIn = "/transitiveMembers/microsoft.graph.user?$count=true"

func TestGroups(t *testing.T) {
	tenant := New(Options{})
	a, _, c := addCircle(tenant)
	for name, client := range clients(tenant, "GroupMember.Read.All", "User.ReadBasic.All") {
		for path, status := range map[string]int{
			"/groups/" + a: 200, "/groups('" + strings.ToUpper(a) + "')": 200, "/groups/" + a + "/owners": 404,
			"/groups/" + otherID: 404, "/groups/" + otherID + usersIn: 404, "/groups/" + a + "/transitiveMembers": 404,
		} {
			check(t, name+" "+path, client.get(t, path, eventual...).Status, status)
		}
		for _, path := range []string{"/groups/" + a + usersIn, "/groups('" + c + "')" + usersIn + "&$top=1"} {
			all, _ := pages(t, client, path, eventual...)
			names := values(all, "displayName")
			slices.Sort(names)
			want := []string{"amy@contoso.example", "bob@contoso.example", "cid@contoso.example"}
			check(t, name+" "+path, names, want)
		}
	}
}

// A caller without permission to read users sees only the types and IDs of members.
func TestGroupPermissions(t *testing.T) {
	for _, tt := range []struct {
		roles   []string
		status  int
		isNamed bool // members have more than an id
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
	} {
		t.Run(strings.Join(tt.roles, " "), func(t *testing.T) {
			tenant := New(Options{})
			a, _, _ := addCircle(tenant)
			c := clients(tenant, tt.roles...)["in a batch"]
			check(t, "status of the group", c.get(t, "/groups/"+a).Status, tt.status)
			r := c.get(t, "/groups/"+a+usersIn, eventual...)
			check(t, "status of the members", r.Status, tt.status)
			check(t, "names", strings.Contains(r.Body, "contoso.example"), tt.isNamed)
			if tt.status == 403 {
				check(t, "code", r.code(), "Authorization_RequestDenied")
			} else {
				checkHolds(t, "members", r.Body, wire.GUID("amy"))
			}
		})
	}
}

// A group includes users that are added later. A group can be replaced.
func TestGroupsChange(t *testing.T) {
	tenant := New(Options{})
	a, _, c := addCircle(tenant)
	count := func() int {
		all, _ := pages(t, clients(tenant, scanRoles...)["direct"], "/groups/"+a+usersIn, eventual...)
		return len(all)
	}
	check(t, "members", count(), 3)
	tenant.AddUser(User{ID: otherID, UPN: "new@contoso.example"})
	check(t, "members after a user came", count(), 4)
	tenant.AddGroup(Group{ID: c})
	check(t, "members after a group was emptied", count(), 3)
}

func TestRegistrations(t *testing.T) {
	tenant := New(Options{})
	for _, u := range []User{
		{UPN: "amy@contoso.example"}, {UPN: "root@contoso.example", Privileged: true},
		{UPN: "kim@contoso.example", Privileged: true},
	} {
		tenant.AddUser(u)
	}
	admin := func(name string, isAdmin bool) map[string]any {
		return map[string]any{"userPrincipalName": name + "@contoso.example", "isAdmin": isAdmin}
	}
	const selected = reportPath + "?$select=userPrincipalName,isAdmin"
	for name, c := range clients(tenant, "AuditLog.Read.All") {
		all, _ := pages(t, c, selected+"&$top=2")
		check(t, name+": all", all, []map[string]any{admin("amy", false), admin("root", true), admin("kim", true)})
		all, _ = pages(t, c, selected+"&$filter=isAdmin%20eq%20true&$top=1")
		check(t, name+": admins", all, []map[string]any{admin("root", true), admin("kim", true)})
		for _, query := range []string{
			"$filter=methodsRegistered/any(m:m%20eq%20'email')", "$orderby=id",
		} {
			check(t, name+": "+query, c.get(t, reportPath+"?"+query).Status, 400)
		}
	}
}

package graphsim

import (
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/testdata/assert"
)

const amy, oneil, lee, amos = "amy", "o'neil", "lee_fabrikam.com#EXT#", "Amos"

// userFilterTests are filters and the users that they keep. Nil means that Graph refuses
// the filter.
var userFilterTests = []struct {
	filter string
	want   []string
}{
	{"accountEnabled eq true", []string{amy, lee}},
	{"accountEnabled eq false", []string{oneil, amos}},
	{"userType eq 'Guest'", []string{lee, amos}},
	{"userType eq 'member'", []string{amy, oneil}},
	{"userPrincipalName eq 'AMY@contoso.example'", []string{amy}},
	{"userPrincipalName eq 'o''neil@contoso.example'", []string{oneil}},
	{"userPrincipalName eq 'nobody'", []string{}},
	{"startswith(userPrincipalName,'am')", []string{amy, amos}},
	{"startswith( userPrincipalName , 'o''n' )", []string{oneil}},
	{"startswith(userPrincipalName,'lee_fabrikam.com#')", []string{lee}},
	{"startswith(userPrincipalName,'" + strings.Repeat("x", 200) + "')", []string{}},
	{"department eq 'Sales'", []string{amy, amos}},
	{"department eq 'R and D'", []string{oneil}},
	{"department eq 'Sales' and accountEnabled eq true", []string{amy}},
	{"startswith(userPrincipalName,'a') and userType eq 'Guest' and accountEnabled eq false", []string{amos}},
	{"  userType eq 'Guest'  and  accountEnabled eq true ", []string{lee}},

	{"", nil},
	{"accountEnabled", nil},
	{"accountEnabled eq", nil},
	{"accountEnabled eq 'true'", nil},
	{"accountEnabled ne true", nil},
	{"not accountEnabled eq true", nil},
	{"(accountEnabled eq true)", nil},
	{"accountEnabled eq true or userType eq 'Guest'", nil},
	{"accountEnabled eq true and", nil},
	{"and accountEnabled eq true", nil},
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

func TestUserFilter(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{UPN: amy + "@contoso.example", Department: "Sales"})
	tenant.AddUser(User{UPN: oneil + "@contoso.example", Disabled: true, Department: "R and D"})
	tenant.AddUser(User{UPN: lee + "@contoso.example", Guest: true})
	tenant.AddUser(User{UPN: amos + "@contoso.example", Guest: true, Disabled: true, Department: "sales"})
	for name, c := range clients(tenant) {
		for _, tt := range userFilterTests {
			t.Run(name+"/"+tt.filter, func(t *testing.T) {
				path := "/users?$top=1&$filter=" + url.QueryEscape(tt.filter)
				if tt.want == nil {
					check(t, "code", c.get(t, path).code(), "Request_UnsupportedQuery")
					return
				}
				all, _ := pages(t, c, path)
				names := values(all, "userPrincipalName")
				for i := range names {
					names[i] = strings.TrimSuffix(names[i], "@contoso.example")
				}
				check(t, "users", names, tt.want)
			})
		}
	}
}

func TestBasicHidesEnabled(t *testing.T) {
	for _, tt := range []struct {
		name     string
		hides    bool
		roles    []string
		isHidden bool
	}{
		{"option not set", false, []string{"User.ReadBasic.All"}, false},
		{"basic", true, []string{"User.ReadBasic.All"}, true},
		{"all", true, []string{"User.Read.All"}, false},
		{"basic and more", true, []string{"User.ReadBasic.All", "User.ReadWrite.All"}, false},
		{"directory", true, []string{"Directory.Read.All"}, false},
	} {
		tenant := New(Options{BasicHidesEnabled: tt.hides})
		user := tenant.AddUsers(1)[0]
		for name, c := range clients(tenant, tt.roles...) {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				enabled, status := "true", 200
				if tt.isHidden {
					enabled, status = "null", 403
				}
				selected := c.get(t, "/users?$select=id,accountEnabled")
				checkHolds(t, "selected", selected.Body, `"accountEnabled":`+enabled)
				filtered := c.get(t, "/users?$select=id&$filter=accountEnabled%20eq%20true")
				check(t, "status of a filter", filtered.Status, status)
				_, isShown := c.get(t, "/users/"+user.ID).object(t)["accountEnabled"]
				check(t, "shown without $select", isShown, !tt.isHidden)
			})
		}
	}
}

// A department is shown if it is selected.
func TestDepartment(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{UPN: "a@contoso.example", Department: "Sales"})
	tenant.AddUser(User{UPN: "b@contoso.example"})
	c := clients(tenant)["direct"]
	all, _ := pages(t, c, "/users?$select=department")
	check(t, "departments", values(all, "department"), []string{"Sales", "<nil>"})
	all, _ = pages(t, c, "/users")
	_, isShown := all[0]["department"]
	check(t, "shown without $select", isShown, false)
}

func TestAddMany(t *testing.T) {
	tenant := New(Options{})
	before := tenant.AddUsers(3)
	tenant.AddMany(1000, func(i int) User {
		u := User{UPN: fmt.Sprintf("Fill%d@contoso.example", i), Department: fmt.Sprintf("d%d", i%3), Guest: i%2 == 1}
		if i == 7 {
			u.ID, u.Passes = danaID, []Pass{{ID: passID}}
		}
		return u
	})
	after := tenant.AddUsers(3)
	c := clients(tenant)["direct"]
	for name, status := range map[string]int{
		before[2].ID: 200, after[2].UPN: 200, "fill0@contoso.example": 200, "FILL999@contoso.example": 200, danaID: 200,
		wire.GUID("user", "Fill500@contoso.example"): 200, "fill1000@contoso.example": 404,
	} {
		check(t, "user "+name, c.get(t, "/users/"+name).Status, status)
	}
	check(t, "passes", values(listed(t, tenant, "fill7@contoso.example"), "id"), []string{passID})
	all, _ := pages(t, c, "/users?$filter=department%20eq%20'd1'%20and%20userType%20eq%20'Guest'&$top=7")
	check(t, "guests of a department", len(all), 167)
	check(t, "first of them", all[0]["userPrincipalName"], "Fill1@contoso.example")
}

// A renamed user is found by the new name only.
func TestRenamedUser(t *testing.T) {
	tenant := New(Options{})
	tenant.AddUser(User{ID: danaID, UPN: "old@contoso.example"})
	tenant.AddUser(User{ID: danaID, UPN: "new@contoso.example"})
	c := clients(tenant)["direct"]
	check(t, "old name", c.get(t, "/users/old@contoso.example").Status, 404)
	check(t, "new name", c.get(t, "/users/new@contoso.example").Status, 200)
}

func TestAddPair(t *testing.T) {
	tenant := New(Options{})
	for range 2 { // the second time changes nothing
		for _, name := range []string{"dana", "Dana", "Admin.kim", "gone.lee", "replaced.mia", "nopass.noa"} {
			tenant.AddPair(name+"@contoso.example", passID, nil)
		}
		tenant.AddPair("ona@contoso.example", "", nil)
		tenant.AddPair(otherID, passID, nil)
	}
	passes := map[string]string{}
	for _, h := range tenant.Remaining() {
		passes[strings.TrimSuffix(h.UPN, "@contoso.example")] += h.PassID
	}
	check(t, "passes", passes, map[string]string{
		"dana": passID, "Admin.kim": passID, otherID: passID,
		"replaced.mia": wire.GUID("instead of", passID),
		"ona":          wire.GUID("pass", wire.GUID("user", "ona@contoso.example"), "0"),
	})
	c := clients(tenant)["in a batch"]
	for name, status := range map[string]int{
		"dana": 204, "admin.kim": 403, "gone.lee": 404, "replaced.mia": 404, "nopass.noa": 404,
	} {
		r := c(t, "DELETE", "/users/"+name+"@contoso.example"+passesPath+"/"+passID, "")
		check(t, "delete for "+name, r.Status, status)
	}
}

// AddUsers makes the same ids in each tenant.
func TestAddUsersIsReproducible(t *testing.T) {
	check(t, "batch", deletes(New(Options{}).AddUsers(3)), deletes(New(Options{Seed: 9}).AddUsers(3)))
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A user without a pass takes so little memory that a test can have a million users.
func TestUserMemory(t *testing.T) {
	const n = 1 << 17
	before := heap()
	tenant := New(Options{})
	tenant.AddMany(n, func(i int) User {
		return User{UPN: fmt.Sprintf("user%07d@contoso.example", i), Disabled: i%100 == 0, Department: "Sales"}
	})
	each := float64(heap()-before) / n
	t.Logf("%.0f bytes a user", each)
	assert.That(t, each <= 280, "%.0f bytes a user, want 280 at most", each)
	runtime.KeepAlive(tenant)
}

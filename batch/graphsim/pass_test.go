package graphsim

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/testdata/assert"
)

// remove deletes a pass. It fails the test if the pass does not exist.
func remove(t *testing.T, tenant *Tenant, user, pass string) {
	t.Helper()
	r := clients(tenant)["in a batch"](t, "DELETE", "/users/"+user+passesPath+"/"+pass, "")
	check(t, "status of a delete", r.Status, 204)
}

func TestReissue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{})
		tenant.AddUser(User{ID: danaID, Reissue: time.Minute,
			Passes: []Pass{{ID: passID, LifetimeMinutes: 30, UsableOnce: true}}})
		tenant.AddUser(User{ID: otherID, UPN: "other", Passes: []Pass{{ID: passID}}})
		remove(t, tenant, danaID, passID)
		remove(t, tenant, otherID, passID)
		time.Sleep(time.Minute - time.Millisecond)
		check(t, "passes before the time", len(listed(t, tenant, danaID)), 0)
		time.Sleep(time.Millisecond)
		second := listed(t, tenant, danaID)
		check(t, "passes", len(second), 1)
		check(t, "same id", second[0]["id"] == passID, false)
		check(t, "lifetime", second[0]["lifetimeInMinutes"], any(30.0))
		check(t, "usable once", second[0]["isUsableOnce"], any(true))

		remove(t, tenant, danaID, second[0]["id"].(string))
		time.Sleep(time.Hour)
		remaining := tenant.Remaining() // catches up by itself
		check(t, "remaining passes", len(remaining), 1)
		check(t, "their user", remaining[0].UserID, danaID)
		check(t, "reason", listed(t, tenant, danaID)[0]["methodUsabilityReason"], any("Expired"))
	})
}

// AddUser cancels a re-issue that is pending.
func TestAddUserCancelsReissue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{})
		tenant.AddUser(User{ID: danaID, Reissue: time.Minute, Passes: []Pass{{ID: passID}}})
		remove(t, tenant, danaID, passID)
		tenant.AddUser(User{ID: danaID, Passes: []Pass{{ID: otherID}}})
		time.Sleep(time.Hour)
		check(t, "passes", values(listed(t, tenant, danaID), "id"), []string{otherID})
	})
}

func TestGivePass(t *testing.T) {
	tenant := New(Options{})
	user := tenant.AddUsers(1)[0]
	check(t, "pass of nobody", tenant.GivePass("nobody", Pass{}), "")
	id := tenant.GivePass(strings.ToUpper(user.UPN), Pass{})
	check(t, "same id", id == user.Passes[0].ID, false)
	check(t, "passes", values(listed(t, tenant, user.ID), "id"), []string{id})
	check(t, "LISTs", tenant.Stats().Lists, 1)
}

// LISTs still show a deleted pass for ListLag.
func TestListLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{ListLag: 10 * time.Second})
		tenant.AddUser(User{ID: danaID, Passes: []Pass{{ID: passID}}})
		remove(t, tenant, danaID, passID)
		c := clients(tenant)["direct"]
		time.Sleep(9 * time.Second)
		check(t, "passes", len(listed(t, tenant, danaID)), 1)
		check(t, "status of a GET", c.get(t, danaPasses+"/"+passID).Status, 200)
		time.Sleep(time.Second)
		check(t, "passes after the lag", len(listed(t, tenant, danaID)), 0)
		check(t, "status of a GET after the lag", c.get(t, danaPasses+"/"+passID).Status, 404)
	})
}

func TestUsability(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 123456700, time.UTC)
	for _, tt := range []struct {
		name string
		pass Pass
		want string
	}{
		{"usable", Pass{Start: now, LifetimeMinutes: 10}, "EnabledByPolicy"},
		{"scheduled", Pass{Start: now.Add(1), LifetimeMinutes: 10}, "NotYetValid"},
		{"expired", Pass{Start: now.Add(-10 * time.Minute), LifetimeMinutes: 10}, "Expired"},
		{"used", Pass{Start: now, LifetimeMinutes: 10, Reason: "OneTimeUsed"}, "OneTimeUsed"},
	} {
		for _, id := range []string{"0", "1", "2"} { // each with another form of timestamp
			t.Run(tt.name+" "+id, func(t *testing.T) {
				tt.pass.ID = id
				var got struct {
					StartDateTime         time.Time
					IsUsable              bool
					MethodUsabilityReason string
				}
				assert.OK(t, json.Unmarshal(wire.Marshal(New(Options{}).shown(&tt.pass, now)), &got))
				check(t, "reason", got.MethodUsabilityReason, tt.want)
				check(t, "usable", got.IsUsable, tt.want == "EnabledByPolicy")
				check(t, "start", got.StartDateTime.Truncate(time.Second), tt.pass.Start.Truncate(time.Second))
			})
		}
	}
}

func TestOmitReason(t *testing.T) {
	for _, tt := range []struct {
		name  string
		omit  bool
		pass  Pass
		holds string
	}{
		{"shown", false, Pass{}, `"isUsable":true,"methodUsabilityReason":"EnabledByPolicy"}`},
		{"omitted", true, Pass{}, `"isUsableOnce":false,"methodUsabilityReason":null}`},
		{"used", true, Pass{Reason: "OneTimeUsed"}, `"isUsable":false,"methodUsabilityReason":"OneTimeUsed"}`},
	} {
		tenant := New(Options{OmitReason: tt.omit})
		tenant.AddUser(User{ID: danaID, Passes: []Pass{tt.pass}})
		checkHolds(t, tt.name, clients(tenant)["direct"].get(t, danaPasses).Body, tt.holds)
	}
}

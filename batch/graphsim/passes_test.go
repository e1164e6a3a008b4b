package graphsim

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func list(t *testing.T, tenant *Tenant, user string) []object {
	t.Helper()
	all, _ := pages(t, askers(tenant)["direct"], "/users/"+user+methods)
	return all
}

func TestReissue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Audit: true})
		by := &Actor{AppID: "app-1"}
		tenant.AddUser(User{ID: dana, Reissue: time.Minute, Passes: []Pass{{ID: pass, LifetimeMinutes: 30, UsableOnce: true, CreatedBy: by}}})
		tenant.AddUser(User{ID: absent, UPN: "other", Passes: []Pass{{ID: pass}}})
		remove := func(user, id string) {
			t.Helper()
			if g := post(t, tenant, `{"id":"1","method":"DELETE","url":"/users/`+user+methods+"/"+id+`"}`)["1"]; g.Status != 204 {
				t.Errorf("DELETE = %d", g.Status)
			}
		}
		remove(dana, pass)
		remove(absent, pass)
		time.Sleep(time.Minute - time.Millisecond)
		if n := len(list(t, tenant, dana)); n != 0 {
			t.Errorf("%d passes before the time", n)
		}
		time.Sleep(time.Millisecond)
		second := list(t, tenant, dana)
		if len(second) != 1 || second[0]["id"] == pass || second[0]["lifetimeInMinutes"] != 30.0 || second[0]["isUsableOnce"] != true || second[0]["isUsable"] != true {
			t.Fatalf("passes %v", second)
		}
		remove(dana, second[0]["id"].(string))
		time.Sleep(time.Hour)
		left := tenant.Remaining() // catches up by itself
		if len(left) != 1 || left[0].UserID != dana || left[0].PassID == second[0]["id"] {
			t.Errorf("Left = %v", left)
		}
		if got := list(t, tenant, dana)[0]["methodUsabilityReason"]; got != "Expired" {
			t.Errorf("made an hour ago, lasts 30 minutes: %v", got)
		}

		// One made by hand or by adding the user again stands in for the next.
		remove(dana, left[0].PassID)
		own := tenant.GivePass(dana, Pass{})
		tenant.AddUser(User{ID: dana, Passes: []Pass{{ID: own}}})
		time.Sleep(time.Hour)
		if left := tenant.Remaining(); len(left) != 1 || left[0].PassID != own {
			t.Errorf("Left = %v, want %s", left, own)
		}
		made := 0
		for _, e := range tenant.audits.entries {
			if e.action != deleted {
				made++
			}
		}
		if made != 3 {
			t.Errorf("%d entries about passes made by the app, want 3", made)
		}
	})
}

func TestGivePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{ListLag: time.Minute})
		users := tenant.AddUsers(1)
		if id := tenant.GivePass("nobody", Pass{}); id != "" {
			t.Errorf("a pass %s for nobody", id)
		}
		id := tenant.GivePass(strings.ToUpper(users[0].UPN), Pass{})
		if left := tenant.Remaining(); id == users[0].Passes[0].ID || len(left) != 1 || left[0].PassID != id {
			t.Errorf("gave %s, left %v", id, left)
		}
		if n := len(list(t, tenant, users[0].ID)); n != 2 {
			t.Errorf("%d listed, want the old one too", n)
		}
		time.Sleep(time.Minute)
		if n := len(list(t, tenant, users[0].ID)); n != 1 {
			t.Errorf("%d listed after the lag", n)
		}
		if s := tenant.Stats(); s.Lists != 2 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestOmitReason(t *testing.T) {
	tests := []struct {
		name  string
		omit  bool
		pass  Pass
		holds string
	}{
		{"shown", false, Pass{}, `"isUsable":true,"methodUsabilityReason":"EnabledByPolicy"}`},
		{"omitted", true, Pass{}, `"isUsableOnce":false,"methodUsabilityReason":null}`},
		{"said", true, Pass{Reason: "OneTimeUsed"}, `"isUsable":false,"methodUsabilityReason":"OneTimeUsed"}`},
	}
	for _, tt := range tests {
		tenant := New(Options{OmitReason: tt.omit})
		tenant.AddUser(User{ID: dana, Passes: []Pass{tt.pass}})
		for door, ask := range askers(tenant) {
			if g := ask(t, "/users/"+dana+methods); !strings.Contains(g.Body, tt.holds) || !json.Valid([]byte(g.Body)) {
				t.Errorf("%s, %s: %s, want %s", tt.name, door, g.Body, tt.holds)
			}
		}
	}
}

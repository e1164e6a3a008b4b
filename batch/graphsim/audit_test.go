package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// auditShape is what a client looks at.
type auditShape struct {
	Category, Result, ResultReason, ActivityDisplayName, LoggedByService string

	InitiatedBy struct {
		User *struct{ ID, UserPrincipalName string }
		App  *struct{ AppID, DisplayName, ServicePrincipalID string }
	}
	TargetResources []struct {
		ID, Type, UserPrincipalName string
		ModifiedProperties          []any
	}
}

const auditsPath = "/auditLogs/directoryAudits"

// shortAudits reads the whole log as reasons, who did it, and to whom.
func shortAudits(t *testing.T, ask asker, path string) []string {
	t.Helper()
	all, _ := pages(t, ask, path)
	short := []string{}
	for _, o := range all {
		var a auditShape
		b, err := json.Marshal(o)
		if err == nil {
			err = json.Unmarshal(b, &a)
		}
		if err != nil {
			t.Fatal(err)
		}
		by := ""
		if u := a.InitiatedBy.User; u != nil {
			by = "user " + u.ID + " " + u.UserPrincipalName
		}
		if app := a.InitiatedBy.App; app != nil {
			by += "app " + app.AppID + " " + app.DisplayName
		}
		if a.Category != "UserManagement" || a.Result != "success" || len(a.TargetResources) != 1 || a.TargetResources[0].Type != "User" || a.TargetResources[0].ModifiedProperties == nil {
			t.Errorf("entry %s", b)
		}
		short = append(short, a.LoggedByService+": "+a.ActivityDisplayName+": "+a.ResultReason+": "+by+": "+a.TargetResources[0].UserPrincipalName)
	}
	return short
}

func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Audit: true})
		now := time.Now()
		tenant.AddUser(User{ID: absent, UPN: "boss@contoso.example"})
		app := &Actor{AppID: "app-1", App: "HR"}
		made := func(upn string, by *Actor, ago time.Duration) {
			tenant.AddUser(User{ID: wire.GUID(upn), UPN: upn, Passes: []Pass{{ID: pass, Created: now.Add(-ago), CreatedBy: by}}})
		}
		made("a", &Actor{UPN: "boss@contoso.example"}, time.Hour)
		made("b", app, 2*time.Hour)
		made("c", app, 3*time.Hour)
		made("d", nil, time.Hour)
		tenant.AddAudit(AuditEntry{Time: now.Add(-90 * time.Minute), By: Actor{UserID: absent}, TargetID: absent, TargetUPN: "x"})
		time.Sleep(time.Second)

		client := &http.Client{Transport: tenant}
		token := tenant.Entra.UserToken(absent, "UserAuthMethod-TAP.ReadWrite.All")
		send(t, client, token, "DELETE", v1+"/users/a"+methods+"/"+pass, "")
		send(t, client, token, "DELETE", v1+"/users/a"+methods+"/"+pass, "") // 404
		time.Sleep(time.Second)
		send(t, client, tenant.Entra.Token(), "POST", v1+"/users/a"+methods, `{}`)
		time.Sleep(time.Second)

		const (
			boss  = ": user " + absent + " boss@contoso.example: "
			hr    = ": app app-1 HR: "
			ours  = ": app " + entra.DefaultClientID + " " + appName + ": "
			admin = PassService + ": Admin registered security info: Admin registered temporary access pass method for user"
			self  = PassService + ": User registered security info: User registered temporary access pass method"
			del   = PassService + ": Admin deleted security info: Admin deleted temporary access pass method for user"
		)
		all := []string{
			self + ours + "a", // every other entry about an app has this form
			del + boss + "a",
			admin + boss + "a",
			"Core Directory: Update user: " + boss + "x",
			self + hr + "b",
			admin + hr + "c",
		}
		at := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339Nano) }
		tests := []struct {
			name, filter string
			want         []string // nil is 400
		}{
			{"all", "", all},
			{"service", "loggedByService eq 'Authentication Methods'", append(append([]string{}, all[:3]...), all[4:]...)},
			{"category", "category eq 'UserManagement' and loggedByService eq 'Core Directory'", all[3:4]},
			{"other category", "category eq 'GroupManagement'", []string{}},
			{"activity", "activityDisplayName eq 'Admin deleted security info'", all[1:2]},
			{"contradiction", "category eq 'UserManagement' and category eq 'x'", []string{}},
			{"since", "activityDateTime ge " + at(time.Hour) + " and loggedByService eq 'Authentication Methods'", all[:3]},
			{"after", "activityDateTime gt " + at(time.Hour), all[:2]},
			{"until", "activityDateTime le " + at(90*time.Minute), all[3:]},
			{"before", "activityDateTime lt " + at(90*time.Minute), all[4:]},
			{"between", "activityDateTime ge " + at(2*time.Hour) + " and activityDateTime lt " + at(time.Hour), all[3:5]},
			{"narrower counts", "activityDateTime ge " + at(3*time.Hour) + " and activityDateTime ge " + at(2*time.Hour) + " and activityDateTime le " + at(2*time.Hour) + " and activityDateTime le " + at(0), all[4:5]},
			{"nothing since", "activityDateTime ge " + at(-time.Hour), []string{}},
			{"in quotes", "activityDateTime ge '" + at(0) + "'", nil},
			{"a day only", "activityDateTime ge 2026-02-01", nil},
			{"equal", "activityDateTime eq " + at(0), nil},
			{"reason", "resultReason eq 'x'", nil},
			{"not quoted", "category eq UserManagement", nil},
			{"or", "category eq 'a' or category eq 'b'", nil},
		}
		for door, ask := range askers(tenant, "AuditLog.Read.All") {
			for _, tt := range tests {
				for _, top := range []int{1, 2, 999} {
					path := auditsPath + "?$top=" + fmt.Sprint(top)
					if tt.filter != "" {
						path += "&$filter=" + url.QueryEscape(tt.filter)
					}
					if tt.want == nil {
						if g := ask(t, path); g.Status != 400 {
							t.Errorf("%s, %s: %d, want 400", door, tt.name, g.Status)
						}
						continue
					}
					if diff := cmp.Diff(tt.want, shortAudits(t, ask, path)); diff != "" {
						t.Errorf("%s, %s, $top=%d (-want +got):\n%s", door, tt.name, top, diff)
					}
				}
			}
		}
	})
}

func TestAuditKeptOnlyIfAsked(t *testing.T) {
	tenant := New(Options{})
	users := tenant.AddUsers(20)
	tenant.GivePass(users[0].ID, Pass{ID: users[0].Passes[0].ID, CreatedBy: &Actor{UserID: dana}})
	if _, err := tenant.PostBatch(t.Context(), deletes(users)); err != nil {
		t.Fatal(err)
	}
	if len(tenant.audits.entries) != 0 {
		t.Errorf("%d entries kept", len(tenant.audits.entries))
	}
	tenant.AddAudit(AuditEntry{})
	if all, _ := pages(t, askers(tenant, "AuditLog.Read.All")["direct"], auditsPath); len(all) != 1 {
		t.Errorf("%d entries, want 1", len(all))
	}
}

func TestAuditPermissions(t *testing.T) {
	const report = "/reports/authenticationMethods/userRegistrationDetails"
	tests := []struct {
		role           string
		audits, report int
	}{
		{"AuditLog.Read.All", 200, 200},
		{"Directory.Read.All", 200, 403},
		{"User.Read.All", 403, 403},
		{"GroupMember.Read.All", 403, 403},
	}
	for _, tt := range tests {
		for door, ask := range askers(New(Options{}), tt.role) {
			for path, want := range map[string]int{auditsPath: tt.audits, "/auditLogs/directoryaudits": tt.audits, report: tt.report} {
				if g := ask(t, path); g.Status != want || want == 403 && g.code() != "Authentication_MSGraphPermissionMissing" {
					t.Errorf("%s, %s %s = %d %s, want %d", tt.role, door, path, g.Status, g.Body, want)
				}
			}
		}
	}
}

// Entries that are written while somebody reads do not move those that were there.
func TestAuditGrowsBetweenPages(t *testing.T) {
	tenant := New(Options{Audit: true})
	users := tenant.AddUsers(12)
	ask := askers(tenant, "AuditLog.Read.All")["direct"]
	remove := func(from, to int) {
		if _, err := tenant.PostBatch(t.Context(), deletes(users[from:to])); err != nil {
			t.Fatal(err)
		}
	}
	remove(0, 6)
	at := 6
	growing := func(t *testing.T, url string, headers ...string) got {
		g := ask(t, url, headers...)
		remove(at, at+1)
		at++
		return g
	}
	all, _ := pages(t, growing, auditsPath+"?$top=2")
	seen := map[string]bool{}
	for _, id := range values(all, "id") {
		seen[id] = true
	}
	if len(all) != 6 || len(seen) != 6 {
		t.Errorf("%d entries, %d of them different, want the 6 of the beginning", len(all), len(seen))
	}
}

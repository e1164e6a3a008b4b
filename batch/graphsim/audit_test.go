package graphsim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
	"tapsweep/testdata/assert"
)

// auditShape has the fields of an entry that a client reads.
type auditShape struct {
	ResultReason, ActivityDisplayName, LoggedByService string

	InitiatedBy struct {
		User *struct{ ID, UserPrincipalName string }
		App  *struct{ AppID, DisplayName string }
	}
	TargetResources []struct {
		UserPrincipalName  string
		ModifiedProperties []property
	}
}

type property struct{ DisplayName, NewValue string }

func shapeOf(t *testing.T, entry map[string]any) (a auditShape) {
	t.Helper()
	assert.OK(t, json.Unmarshal(wire.Marshal(entry), &a), entry)
	return a
}

// audits returns the entries of the log as "reason: actor: target".
func audits(t *testing.T, c client, path string) []string {
	t.Helper()
	all, _ := pages(t, c, path)
	lines := []string{}
	for _, entry := range all {
		a, by := shapeOf(t, entry), ""
		if u := a.InitiatedBy.User; u != nil {
			by = u.ID + " " + u.UserPrincipalName
		}
		if app := a.InitiatedBy.App; app != nil {
			by += app.AppID + " " + app.DisplayName
		}
		lines = append(lines, a.ResultReason+": "+by+": "+a.TargetResources[0].UserPrincipalName)
	}
	return lines
}

const (
	madeByAdmin = "Admin registered temporary access pass method for user"
	madeByUser  = "User registered temporary access pass method"
	deletedText = "Admin deleted temporary access pass method for user"
	appText     = ": " + entra.DefaultClientID + " " + appName + ": "
	bossText    = ": " + otherID + " boss@contoso.example: "
)

// auditLines are the entries of newAuditedTenant, with the newest first.
var auditLines = []string{
	madeByUser + appText + "a", // every second entry about an app has this form
	deletedText + bossText + "a",
	madeByAdmin + bossText + "a",
	"changed" + bossText + "x",
	madeByAdmin + appText + "b",
	madeByUser + appText + "c",
}

// newAuditedTenant returns a tenant with passes that the boss and an app created before now.
// After now, the boss deletes a pass and the tenant's app creates one.
func newAuditedTenant(t *testing.T) (tenant *Tenant, now time.Time) {
	tenant, now = New(Options{Audit: true}), time.Now()
	tenant.AddUser(User{ID: otherID, UPN: "boss@contoso.example"})
	add := func(upn string, by *Actor, ago time.Duration) {
		p := Pass{ID: passID, Created: now.Add(-ago), CreatedBy: by}
		tenant.AddUser(User{ID: wire.GUID(upn), UPN: upn, Passes: []Pass{p}})
	}
	add("a", &Actor{UPN: "boss@contoso.example"}, time.Hour)
	add("c", appActor, 3*time.Hour)
	add("b", appActor, 2*time.Hour)
	add("d", nil, time.Hour)
	tenant.AddAudit(AuditEntry{Time: now.Add(-90 * time.Minute), By: Actor{UserID: otherID}, Reason: "changed",
		TargetID: otherID, TargetUPN: "x"})

	boss := directly(tenant, v1, tenant.Entra.UserToken(otherID, "UserAuthMethod-TAP.ReadWrite.All"))
	time.Sleep(time.Second)
	for _, status := range []int{204, 404} { // the second makes no entry
		check(t, "status", boss(t, "DELETE", "/users/a"+passesPath+"/"+passID, "").Status, status)
	}
	time.Sleep(time.Second)
	tenant.GivePass("a", Pass{CreatedBy: appActor})
	return tenant, now
}

func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, now := newAuditedTenant(t)
		at := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339Nano) }
		const time1, ours = "activityDateTime ", " and loggedByService eq 'Authentication Methods'"
		narrow := time1 + "ge " + at(3*time.Hour) + " and " + time1 + "ge " + at(2*time.Hour) + " and " +
			time1 + "le " + at(2*time.Hour) + " and " + time1 + "le " + at(0)
		all := auditLines
		tests := []struct {
			name, filter string
			want         []string // nil means that Graph refuses the filter
		}{
			{"all", "", all},
			{"service", "category eq 'UserManagement'" + ours, append(append([]string{}, all[:3]...), all[4:]...)},
			{"category", "category eq 'UserManagement' and loggedByService eq 'Core Directory'", all[3:4]},
			{"other category", "category eq 'GroupManagement'", []string{}},
			{"activity", "activityDisplayName eq 'Admin deleted security info'", all[1:2]},
			{"contradiction", "category eq 'UserManagement' and category eq 'x'", []string{}},
			{"since", time1 + "ge " + at(time.Hour) + ours, all[:3]},
			{"after", time1 + "gt " + at(time.Hour), all[:2]},
			{"until", time1 + "le " + at(90*time.Minute), all[3:]},
			{"before", time1 + "lt " + at(90*time.Minute), all[4:]},
			{"between", time1 + "ge " + at(2*time.Hour) + " and " + time1 + "lt " + at(time.Hour), all[3:5]},
			{"the narrower one counts", narrow, all[4:5]},
			{"nothing since", time1 + "ge " + at(-time.Hour), []string{}},
			{"in quotes", time1 + "ge '" + at(0) + "'", nil},
			{"a day only", time1 + "ge 2026-02-01", nil},
			{"equal", time1 + "eq " + at(0), nil},
			{"reason", "resultReason eq 'x'", nil},
			{"not quoted", "category eq UserManagement", nil},
			{"or", "category eq 'a' or category eq 'b'", nil},
		}
		for name, c := range clients(tenant, "AuditLog.Read.All") {
			for _, tt := range tests {
				for _, top := range []int{1, 2, 999} {
					what := fmt.Sprintf("%s, %s, $top=%d", name, tt.name, top)
					path := fmt.Sprintf("%s?$top=%d", auditsPath, top)
					if tt.filter != "" {
						path += "&$filter=" + url.QueryEscape(tt.filter)
					}
					if tt.want == nil {
						check(t, what, c.get(t, path).Status, 400)
					} else {
						check(t, what, audits(t, c, path), tt.want)
					}
				}
			}
		}
	})
}

// Without Options.Audit, only AddAudit makes entries.
func TestAuditKeptOnlyIfAsked(t *testing.T) {
	tenant := New(Options{})
	users := tenant.AddUsers(20)
	tenant.GivePass(users[0].ID, Pass{ID: users[0].Passes[0].ID, CreatedBy: &Actor{UserID: danaID}})
	posting(tenant)(t, deletes(users))
	c := clients(tenant, "AuditLog.Read.All")["direct"]
	check(t, "entries", len(audits(t, c, auditsPath)), 0)
	tenant.AddAudit(AuditEntry{})
	check(t, "entries after AddAudit", len(audits(t, c, auditsPath)), 1)
}

func TestAuditPermissions(t *testing.T) {
	for _, tt := range []struct {
		role           string
		audits, report int
	}{
		{"AuditLog.Read.All", 200, 200},
		{"Directory.Read.All", 200, 403},
		{"User.Read.All", 403, 403},
		{"GroupMember.Read.All", 403, 403},
	} {
		c := clients(New(Options{}), tt.role)["direct"]
		check(t, tt.role+": audits", c.get(t, auditsPath).Status, tt.audits)
		check(t, tt.role+": audits in lower case", c.get(t, "/auditLogs/directoryaudits").Status, tt.audits)
		check(t, tt.role+": report", c.get(t, reportPath).Status, tt.report)
	}
}

// New entries do not move the entries that a client is reading.
func TestAuditGrowsBetweenPages(t *testing.T) {
	tenant := New(Options{Audit: true})
	users := tenant.AddUsers(12)
	posting(tenant)(t, deletes(users[:6]))
	get, next := clients(tenant, "AuditLog.Read.All")["direct"], 6
	growing := func(t *testing.T, method, path, body string, headers ...string) reply {
		r := get(t, method, path, body, headers...)
		posting(tenant)(t, deletes(users[next:next+1]))
		next++
		return r
	}
	all, _ := pages(t, growing, auditsPath+"?$top=2")
	seen := map[string]bool{}
	for _, id := range values(all, "id") {
		seen[id] = true
	}
	check(t, "entries", len(all), 6)
	check(t, "different entries", len(seen), 6)
}

// An entry about a created pass names the pass, in both known spellings. The values are
// JSON in strings.
func TestAuditNamesThePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Audit: true})
		stamp := func(after time.Duration) string {
			return `"` + time.Now().Add(after).UTC().Format(time.RFC3339) + `"`
		}
		tenant.AddUser(User{UPN: "a", Passes: []Pass{{ID: passID, Start: time.Now().Add(time.Hour), LifetimeMinutes: 90,
			UsableOnce: true, CreatedBy: &Actor{UserID: danaID}}}})
		tenant.AddPair("b@contoso.example", otherID, appActor)
		all, _ := pages(t, clients(tenant, "AuditLog.Read.All")["direct"], auditsPath)
		check(t, "first spelling", shapeOf(t, all[1]).TargetResources[0].ModifiedProperties, []property{
			{"TemporaryAccessPass.Id", `"` + passID + `"`},
			{"TemporaryAccessPass.StartDateTime", stamp(time.Hour)},
			{"TemporaryAccessPass.EndDateTime", stamp(150 * time.Minute)},
			{"TemporaryAccessPass.AccessPassUsage", `"Once"`},
		})
		check(t, "second spelling", shapeOf(t, all[0]).TargetResources[0].ModifiedProperties, []property{
			{"TemporaryAccessPass.TemporaryAccessPass.Id", `"` + otherID + `"`},
			{"TemporaryAccessPass.TemporaryAccessPass.StartDateTime", stamp(0)},
			{"TemporaryAccessPass.TemporaryAccessPass.EndTime", stamp(time.Hour)},
			{"TemporaryAccessPass.TemporaryAccessPass.AccessPassUsage", `"Multiple"`},
		})
	})
}

// Entries may lack a target, the id of the target, or the initiator.
func TestOddAudits(t *testing.T) {
	tenant := New(Options{})
	now := time.Now().Add(-time.Minute)
	tenant.AddAudit(AuditEntry{Time: now, NoTarget: true})
	tenant.AddAudit(AuditEntry{Time: now.Add(1), NoInitiator: true, TargetUPN: "x",
		Properties: map[string]string{"TemporaryAccessPass.Id": `"3d`}})
	all, _ := pages(t, clients(tenant, "AuditLog.Read.All")["direct"], auditsPath)
	check(t, "targets of the first", all[1]["targetResources"], any([]any{}))
	by, isThere := all[0]["initiatedBy"]
	check(t, "the second has an initiator", isThere, true)
	check(t, "initiator of the second", by, nil)
	target := all[0]["targetResources"].([]any)[0].(map[string]any)
	check(t, "id of the target", target["id"], nil)
	check(t, "properties", shapeOf(t, all[0]).TargetResources[0].ModifiedProperties,
		[]property{{"TemporaryAccessPass.Id", `"3d`}})
}

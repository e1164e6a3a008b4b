package graphsim

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An entry about a created pass names the pass, in both known spellings, with JSON text
// inside strings. Earlier, modifiedProperties was empty.
func TestAuditNamesThePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Audit: true})
		const other = "9f0c11aa-1111-4222-8333-000000000002"
		start := time.Now().Add(time.Hour)
		tenant.AddUser(User{UPN: "a@contoso.example", Passes: []Pass{
			{ID: pass, Start: start, LifetimeMinutes: 90, UsableOnce: true, CreatedBy: &Actor{UserID: dana}}}})
		tenant.AddPair("b@contoso.example", other, &Actor{AppID: "app-1"})
		from, until := start.UTC().Format(time.RFC3339), start.Add(90*time.Minute).UTC().Format(time.RFC3339)
		now, later := time.Now().UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)

		type property struct{ DisplayName, NewValue string }
		all, _ := pages(t, askers(tenant, "AuditLog.Read.All")["direct"], auditsPath)
		got := make(map[string][]property)
		for _, entry := range all {
			var e struct {
				TargetResources []struct {
					UserPrincipalName  string
					ModifiedProperties []property
				}
			}
			text, _ := json.Marshal(entry)
			if err := json.Unmarshal(text, &e); err != nil {
				t.Fatalf("entry %s: %v", text, err)
			}
			got[e.TargetResources[0].UserPrincipalName] = e.TargetResources[0].ModifiedProperties
		}
		want := map[string][]property{
			"a@contoso.example": {
				{"TemporaryAccessPass.Id", `"` + pass + `"`},
				{"TemporaryAccessPass.StartDateTime", `"` + from + `"`},
				{"TemporaryAccessPass.EndDateTime", `"` + until + `"`},
				{"TemporaryAccessPass.AccessPassUsage", `"Once"`},
			},
			"b@contoso.example": {
				{"TemporaryAccessPass.TemporaryAccessPass.Id", `"` + other + `"`},
				{"TemporaryAccessPass.TemporaryAccessPass.StartDateTime", `"` + now + `"`},
				{"TemporaryAccessPass.TemporaryAccessPass.EndTime", `"` + later + `"`},
				{"TemporaryAccessPass.TemporaryAccessPass.AccessPassUsage", `"Multiple"`},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("modifiedProperties (-want +got):\n%s", diff)
		}
	})
}

// Entries may lack a target, the ID of the target, or the initiator.
func TestOddAudits(t *testing.T) {
	tenant := New(Options{})
	now := time.Now().Add(-time.Minute)
	tenant.AddAudit(AuditEntry{Time: now, NoTarget: true})
	tenant.AddAudit(AuditEntry{Time: now.Add(1), NoInitiator: true, TargetUPN: "x"})
	all, _ := pages(t, askers(tenant, "AuditLog.Read.All")["direct"], auditsPath)
	if len(all) != 2 {
		t.Fatalf("%d entries, want 2", len(all))
	}
	if targets, ok := all[1]["targetResources"].([]any); !ok || len(targets) > 0 {
		t.Errorf("targetResources = %v, want an empty array", all[1]["targetResources"])
	}
	if by, there := all[0]["initiatedBy"]; !there || by != nil {
		t.Errorf("initiatedBy = %v, want null", by)
	}
	if id := all[0]["targetResources"].([]any)[0].(map[string]any)["id"]; id != nil {
		t.Errorf("id of the target = %v, want null", id)
	}
}

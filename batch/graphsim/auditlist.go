package graphsim

import (
	"fmt"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
)

// auditCategory is the category of all entries.
const auditCategory = "UserManagement"

// listAudits answers GET /auditLogs/directoryAudits, with the newest entry first.
// Source: learn.microsoft.com/graph/api/directoryaudit-list. Called with mu held.
func (t *Tenant) listAudits(c *call) callAnswer {
	all := t.audits.sorted()
	at := func(i int) string { return sortable(time.Unix(0, all[i].at)) }
	text := func(of func(e *AuditEntry) string) filterable {
		return filterable{ops: "eq", value: func(i int) string { return of(all[i].details()) }}
	}
	// The documentation does not list gt and lt for times, but they are in use.
	q, refused := t.readQuery(c, map[string]filterable{
		"activityDateTime":    {bare: true, ops: "gt ge lt le", value: at},
		"loggedByService":     text(func(e *AuditEntry) string { return e.Service }),
		"category":            text(func(*AuditEntry) string { return auditCategory }),
		"activityDisplayName": text(func(e *AuditEntry) string { return e.Activity }),
	})
	if refused != nil {
		return *refused
	}
	return t.page(c, &q, "auditLogs/directoryAudits", collection{
		n: len(all), isReversed: true,
		keep: func(i int) bool { return all[i].at <= c.now.UnixNano() && q.keep(i) },
		item: func(i int) any { return t.shownAudit(&all[i]) },
	})
}

// details returns the full entry.
func (r *auditRecord) details() *AuditEntry {
	if r.entry != nil {
		return r.entry
	}
	text := auditTexts[r.action]
	return &AuditEntry{Service: PassService, Result: "success", Activity: text.activity, Reason: text.reason,
		TargetID: r.user.ID, TargetUPN: r.user.UPN}
}

// object is a JSON object. Structs are faster, so it is only for things that are rarely shown.
type object map[string]any

// shownAudit returns an entry as Graph shows it.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
func (t *Tenant) shownAudit(r *auditRecord) object {
	e, number := r.details(), fmt.Sprint(r.number)
	shown := object{
		"id": wire.GUID("audit", number), "correlationId": wire.GUID("correlation", number),
		"category": auditCategory, "loggedByService": e.Service, "result": e.Result, "resultReason": nullable(e.Reason),
		"activityDisplayName": e.Activity,
		"activityDateTime":    time.Unix(0, r.at).UTC().Format(timeForms[int(r.number)%len(timeForms)]),
		"initiatedBy":         nil, "targetResources": []object{}, "additionalDetails": []object{},
	}
	if !e.NoInitiator {
		shown["initiatedBy"] = t.auditInitiator(r.by)
	}
	if !e.NoTarget {
		shown["targetResources"] = []object{{
			"id": nullable(e.TargetID), "displayName": nil, "type": "User", "groupType": nil,
			"userPrincipalName": nullable(e.TargetUPN), "modifiedProperties": r.modifiedProperties(),
		}}
	}
	return shown
}

func (t *Tenant) auditInitiator(by *Actor) object {
	if *by == *appActor {
		app := t.Entra.Options().ClientID
		return object{"user": nil, "app": object{"appId": app, "displayName": appName,
			"servicePrincipalId": entra.ServicePrincipal(app), "servicePrincipalName": nil}}
	}
	id, upn := by.UserID, by.UPN
	if u := t.find(id + upn); u != nil && (id == "" || upn == "") {
		id, upn = u.ID, u.UPN
	}
	return object{"app": nil, "user": object{"id": nullable(id), "displayName": nil, "ipAddress": nil,
		"userPrincipalName": nullable(upn)}}
}

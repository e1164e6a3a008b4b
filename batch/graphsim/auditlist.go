package graphsim

import (
	"fmt"
	"math"
	"sort"
	"time"
)

// listAudits answers GET /auditLogs/directoryAudits, the newest first.
// Source: learn.microsoft.com/graph/api/directoryaudit-list. Called with mu held.
func (t *Tenant) listAudits(c *call, now time.Time) answer {
	q, refused := t.readQuery(c, "$filter")
	if refused != nil {
		return *refused
	}
	var f auditFilter
	if q.Has("$filter") {
		var ok bool
		if f, ok = readAuditFilter(q.Get("$filter")); !ok {
			return t.badFilter(c)
		}
	}

	// What shows lies between two times, and so do its positions.
	newest := now
	if !f.to.IsZero() && f.to.Before(newest) {
		newest = f.to
	}
	oldest := int64(math.MinInt64)
	if !f.from.IsZero() {
		oldest = max(oldest, f.from.UnixNano())
	}
	all := t.auditsInOrder()
	first := sort.Search(len(all), func(i int) bool { return all[i].at > newest.UnixNano() }) - 1
	end := sort.Search(len(all), func(i int) bool { return all[i].at >= oldest }) - 1
	return t.page(c, &q, "auditLogs/directoryAudits", run{
		first: first, end: end, step: -1,
		keep: func(i int) bool {
			if e := all[i].said; e != nil {
				return f.keeps(e.Service, e.Category, e.Activity)
			}
			return f.keeps(PassService, "UserManagement", deeds[all[i].deed][0])
		},
		put: func(b []byte, i int) []byte { return t.appendAudit(b, &all[i]) },
	})
}

// appendAudit appends an entry.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
func (t *Tenant) appendAudit(b []byte, e *audited) []byte {
	a := e.said
	if a == nil {
		a = &Audit{Service: PassService, Category: "UserManagement", Result: "success", TargetType: "User",
			Activity: deeds[e.deed][0], Reason: deeds[e.deed][1], TargetID: e.user.ID, TargetUPN: e.user.UPN}
	}
	text := func(name, value string) {
		b = append(b, name...)
		if value == "" {
			b = append(b, "null"...)
			return
		}
		b = appendString(b, value)
	}
	text(`{"id":`, guidOf("audit", fmt.Sprint(e.seq)))
	text(`,"category":`, a.Category)
	text(`,"correlationId":`, guidOf("correlation", fmt.Sprint(e.seq)))
	text(`,"result":`, a.Result)
	text(`,"resultReason":`, a.Reason)
	text(`,"activityDisplayName":`, a.Activity)
	b = append(b, `,"activityDateTime":"`...)
	b = time.Unix(0, e.at).UTC().AppendFormat(b, times[int(e.seq)%len(times)])
	text(`","loggedByService":`, a.Service)
	switch {
	case a.NoInitiator:
		b = append(b, `,"initiatedBy":null`...)
	case e.by.isApp():
		text(`,"initiatedBy":{"user":null,"app":{"appId":`, e.by.AppID)
		text(`,"displayName":`, e.by.App)
		text(`,"servicePrincipalId":`, servicePrincipal(e.by.AppID))
		b = append(b, `,"servicePrincipalName":null}}`...)
	default:
		id, upn := e.by.UserID, e.by.UPN
		if u := t.find(id + upn); u != nil && (id == "" || upn == "") {
			id, upn = u.ID, u.UPN
		}
		text(`,"initiatedBy":{"app":null,"user":{"id":`, id)
		text(`,"displayName":null,"ipAddress":null,"userPrincipalName":`, upn)
		b = append(b, "}}"...)
	}
	if a.NoTarget {
		return append(b, `,"targetResources":[],"additionalDetails":[]}`...)
	}
	text(`,"targetResources":[{"id":`, a.TargetID)
	text(`,"displayName":null,"type":`, a.TargetType)
	text(`,"groupType":null,"userPrincipalName":`, a.TargetUPN)
	b = e.appendProperties(append(b, `,"modifiedProperties":`...))
	return append(b, `}],"additionalDetails":[]}`...)
}

// servicePrincipal is the object id of an app in the tenant.
func servicePrincipal(appID string) string {
	if appID == "" {
		return ""
	}
	return guidOf("service principal", appID)
}

package graphsim

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/internal/wire"
)

// listAudits answers GET /auditLogs/directoryAudits, the newest first.
// Source: learn.microsoft.com/graph/api/directoryaudit-list. Called with mu held.
func (t *Tenant) listAudits(c *call, now time.Time) answer {
	q, refused := t.readQuery(c, "$filter")
	if refused != nil {
		return *refused
	}
	f := auditFilter{from: math.MinInt64, to: now.UnixNano()}
	if q.Has("$filter") && !f.read(q.Get("$filter")) {
		return t.badFilter(c)
	}
	// What the filter keeps lies between two positions.
	all := t.audits.sorted()
	position := func(isAfter func(at int64) bool) int {
		return sort.Search(len(all), func(i int) bool { return isAfter(all[i].at) }) - 1
	}
	return t.page(c, &q, "auditLogs/directoryAudits", collection{
		first: position(func(at int64) bool { return at > f.to }),
		end:   position(func(at int64) bool { return at >= f.from }),
		step:  -1,
		keep:  func(i int) bool { return f.keeps(all[i].details()) },
		item:  func(i int) any { return t.shownAudit(&all[i]) },
	})
}

// auditFilter is what a $filter of audits asks for. Texts compare exactly.
type auditFilter struct {
	from, to int64       // Unix time in nanoseconds, both inclusive
	texts    []condition // that an entry has to meet
}

// read reads the comparisons that are documented for audits. The page does not name gt
// and lt for times, but they are in use.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func (f *auditFilter) read(filter string) (ok bool) {
	conditions, ok := parseFilter(filter)
	for _, c := range conditions {
		if c.property == "activityDateTime" && !c.isText {
			ok = ok && f.readTime(c)
			continue
		}
		known := slices.Contains([]string{"loggedByService", "category", "activityDisplayName"}, c.property)
		ok = ok && known && c.isText && c.op == "eq"
		f.texts = append(f.texts, c)
	}
	return ok
}

func (f *auditFilter) readTime(c condition) (ok bool) {
	at, err := time.Parse(time.RFC3339, c.value)
	ns := at.UnixNano()
	switch c.op {
	case "gt":
		f.from = max(f.from, ns+1)
	case "ge":
		f.from = max(f.from, ns)
	case "lt":
		f.to = min(f.to, ns-1)
	case "le":
		f.to = min(f.to, ns)
	default:
		return false
	}
	return err == nil
}

func (f *auditFilter) keeps(e *AuditEntry) bool {
	values := map[string]string{"loggedByService": e.Service, "category": e.Category, "activityDisplayName": e.Activity}
	for _, c := range f.texts {
		if values[c.property] != c.value {
			return false
		}
	}
	return true
}

// details returns an entry in full.
func (r *auditRecord) details() *AuditEntry {
	if r.entry != nil {
		return r.entry
	}
	text := auditTexts[r.action]
	return &AuditEntry{Service: PassService, Category: "UserManagement", Result: "success", Activity: text.activity,
		Reason: text.reason, TargetID: r.user.ID, TargetUPN: r.user.UPN}
}

// object is a JSON object. Structs are faster; it is for what is shown rarely.
type object map[string]any

// shownAudit is an entry as Graph shows it.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
func (t *Tenant) shownAudit(r *auditRecord) object {
	e, number := r.details(), fmt.Sprint(r.number)
	shown := object{
		"id": wire.GUID("audit", number), "correlationId": wire.GUID("correlation", number),
		"category": e.Category, "loggedByService": e.Service, "result": e.Result, "resultReason": nullable(e.Reason),
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
	if by.isApp() {
		principal := ""
		if by.AppID != "" {
			principal = entra.ServicePrincipal(by.AppID)
		}
		return object{"user": nil, "app": object{"appId": nullable(by.AppID), "displayName": nullable(by.App),
			"servicePrincipalId": nullable(principal), "servicePrincipalName": nil}}
	}
	id, upn := by.UserID, by.UPN
	if u := t.find(id + upn); u != nil && (id == "" || upn == "") {
		id, upn = u.ID, u.UPN
	}
	return object{"app": nil, "user": object{"id": nullable(id), "displayName": nil, "ipAddress": nil,
		"userPrincipalName": nullable(upn)}}
}

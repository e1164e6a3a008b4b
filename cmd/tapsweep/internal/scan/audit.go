package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Audit looks for passes in the directory audit log: who was given one since, and
// by whom. Records come some minutes late, and the log keeps them for 30 days, or 7
// without a licence. Source: learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention.
type Audit struct {
	Since time.Time

	// By is who created the pass: object id or UPN of a user, or id, service
	// principal or display name of an app. Empty is anybody.
	By string
}

// query is the first page. The reason of a record is not documented to be
// filtered by, so that is done here.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func (a *Audit) query() string {
	filter := "activityDateTime ge " + a.Since.UTC().Format("2006-01-02T15:04:05Z") + " and loggedByService eq 'Authentication Methods'"
	return fmt.Sprintf("/auditLogs/directoryAudits?$filter=%s&$top=%d", escape(filter), pageSize)
}

// auditFindings are the users that the log names, with the time of the first
// record of each.
type auditFindings struct {
	by    string
	order []string
	first map[string]time.Time
	names map[string]string // UPN by id
}

func newAuditFindings(a *Audit) *auditFindings {
	return &auditFindings{by: strings.ToLower(strings.TrimSpace(a.By)), first: make(map[string]time.Time), names: make(map[string]string)}
}

// record is one of the audit log.
// Source: learn.microsoft.com/graph/api/resources/directoryaudit.
type record struct {
	Time     time.Time `json:"activityDateTime"`
	Activity string    `json:"activityDisplayName"`
	Result   string    `json:"result"`
	Reason   string    `json:"resultReason"`
	By       struct {
		User *struct {
			ID  string `json:"id"`
			UPN string `json:"userPrincipalName"`
		} `json:"user"`
		App *struct {
			AppID     string `json:"appId"`
			Name      string `json:"displayName"`
			Principal string `json:"servicePrincipalId"`
		} `json:"app"`
	} `json:"initiatedBy"`
	Targets []struct {
		ID   string `json:"id"`
		UPN  string `json:"userPrincipalName"`
		Type string `json:"type"`
	} `json:"targetResources"`
}

// creates tells whether a pass was made. The texts are those seen, in more than
// one form, and compared leniently.
// Source: learn.microsoft.com/entra/architecture/security-operations-privileged-accounts;
// SigmaHQ rules/cloud/azure/audit_logs/azure_tap_added.yml.
func (r *record) creates() bool {
	return strings.Contains(strings.ToLower(r.Activity), "registered security info") &&
		strings.Contains(strings.ToLower(r.Reason), "temporary access pass") &&
		!strings.EqualFold(r.Result, "failure")
}

// by tells whether name is one of the initiator's. It is in lower case.
func (r *record) by(name string) bool {
	var names []string
	if u := r.By.User; u != nil {
		names = append(names, u.ID, u.UPN)
	}
	if a := r.By.App; a != nil {
		names = append(names, a.AppID, a.Name, a.Principal)
	}
	for _, n := range names {
		if n != "" && strings.ToLower(n) == name {
			return true
		}
	}
	return name == ""
}

// add takes in a record.
func (f *auditFindings) add(raw json.RawMessage) error {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("a record cannot be read: %w", err)
	}
	if !r.creates() || !r.by(f.by) {
		return nil
	}
	if len(r.Targets) == 0 || !isID(r.Targets[0].ID) {
		return errors.New("a record of a new pass does not tell whose it is")
	}
	id := strings.ToLower(r.Targets[0].ID)
	first, known := f.first[id]
	if !known {
		f.order = append(f.order, id)
	}
	if !known || r.Time.Before(first) {
		f.first[id] = r.Time
	}
	if upn := r.Targets[0].UPN; upn != "" {
		f.names[id] = shown(upn)
	}
	return nil
}

// recordSlack is by how much a pass may seem older than its record.
const recordSlack = 5 * time.Minute

// auditTargets are the users to be listed. A pass made before the first record is
// not what the log tells of.
func (s *Scan) auditTargets() (list []target) {
	for _, id := range s.audit.order {
		if !s.claim(id) {
			continue
		}
		list = append(list, target{name: id, upn: s.audit.names[id], look: s.choosy(), since: s.audit.first[id].Add(-recordSlack)})
	}
	return list
}

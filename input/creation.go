package input

import "time"

// A Creation is what an audit record shows about the creation of a pass. It is copied from list to log, and nothing
// depends on it. The zero value means that there is no record. The texts are as written: make them safe before you
// show them.
type Creation struct {
	By      string    `json:"createdBy,omitempty"`  // a name or id of the user or app that created the pass
	At      time.Time `json:"createdAt,omitzero"`   // time of the record
	AuditID string    `json:"auditId,omitempty"`    // id of the record
	Match   string    `json:"auditMatch,omitempty"` // how the record was matched with the pass: MatchID or MatchTime
}

// The values of Creation.Match.
const (
	MatchID   = "by id"
	MatchTime = "by time, not by id"
)

// CreationColumns are the columns of Creation.Values.
var CreationColumns = []string{"createdBy", "createdAt", "auditId", "auditMatch"}

// Values returns the fields for a CSV file, in the order of CreationColumns.
func (c *Creation) Values() []string {
	at := ""
	if !c.At.IsZero() {
		at = c.At.UTC().Format(time.RFC3339)
	}
	return []string{c.By, at, c.AuditID, c.Match}
}

// Set sets the field for a column, whose name may have any spelling. It ignores other columns, and a time that is
// not in the form of RFC 3339.
func (c *Creation) Set(column, value string) {
	switch fold(column) {
	case "createdby":
		c.By = value
	case "createdat":
		c.At, _ = time.Parse(time.RFC3339, value)
	case "auditid":
		c.AuditID = value
	case "auditmatch":
		c.Match = value
	}
}

package graphsim

import (
	"encoding/json"
	"time"
)

// A madePass holds what an entry of the audit log says about a created pass.
type madePass struct {
	id         string
	start, end int64 // Unix time in seconds
	once       bool
}

func (p *Pass) made() *madePass {
	end := p.Start.Add(time.Duration(p.LifetimeMinutes) * time.Minute)
	return &madePass{id: p.ID, start: p.Start.Unix(), end: end.Unix(), once: p.UsableOnce}
}

// propertyNames are the names of the properties in modifiedProperties, in the two spellings
// that have been seen. Entries alternate between them, because it is not known which one
// tenants write today.
// Source: a record of 2022-06-27 in a public thesis; nicolonsky/ITDR,
// Queries/Entra-TAP-Issuance.md, 342c663.
var propertyNames = [2][4]string{
	{"TemporaryAccessPass.Id", "TemporaryAccessPass.StartDateTime", "TemporaryAccessPass.EndDateTime",
		"TemporaryAccessPass.AccessPassUsage"},
	{"TemporaryAccessPass.TemporaryAccessPass.Id", "TemporaryAccessPass.TemporaryAccessPass.StartDateTime",
		"TemporaryAccessPass.TemporaryAccessPass.EndTime", "TemporaryAccessPass.TemporaryAccessPass.AccessPassUsage"},
}

// appendProperties appends the modifiedProperties of an entry. As in Graph, each new value is
// a string that contains JSON.
func (e *audited) appendProperties(b []byte) []byte {
	if e.pass == nil {
		return append(b, "[]"...)
	}
	stamp := func(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }
	usage := "Multiple"
	if e.pass.once {
		usage = "Once"
	}
	values := [4]string{e.pass.id, stamp(e.pass.start), stamp(e.pass.end), usage}
	for i, name := range propertyNames[e.seq%2] {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		quoted, _ := json.Marshal(values[i]) // a string always marshals
		b = append(b, separator)
		b = append(b, `{"displayName":"`...)
		b = append(b, name...)
		b = append(b, `","oldValue":null,"newValue":`...)
		b = append(appendString(b, string(quoted)), '}')
	}
	return append(b, ']')
}

package graphsim

import "time"

// auditFilter is what a $filter of audits asks for. Texts compare exactly.
type auditFilter struct {
	from, to                    time.Time // inclusive; zero is open
	service, category, activity []string  // each asked for; two that differ match nothing
}

// readAuditFilter reads the comparisons that are documented for audits. Of the
// times, gt and lt are not on the page; they are in use all the same.
// Source: learn.microsoft.com/graph/api/directoryaudit-list.
func readAuditFilter(filter string) (f auditFilter, ok bool) {
	conditions, ok := parseFilter(filter)
	if !ok {
		return f, false
	}
	for _, c := range conditions {
		switch {
		case c.property == "activityDateTime" && !c.quoted:
			at, err := time.Parse(time.RFC3339, c.value)
			if err != nil {
				return f, false
			}
			switch c.op {
			case "gt":
				at = at.Add(1)
				fallthrough
			case "ge":
				if at.After(f.from) {
					f.from = at
				}
			case "lt":
				at = at.Add(-1)
				fallthrough
			case "le":
				if f.to.IsZero() || at.Before(f.to) {
					f.to = at
				}
			default:
				return f, false
			}
		case !c.quoted || c.op != "eq":
			return f, false
		case c.property == "loggedByService":
			f.service = append(f.service, c.value)
		case c.property == "category":
			f.category = append(f.category, c.value)
		case c.property == "activityDisplayName":
			f.activity = append(f.activity, c.value)
		default:
			return f, false
		}
	}
	return f, true
}

func (f *auditFilter) keeps(service, category, activity string) bool {
	return all(f.service, service) && all(f.category, category) && all(f.activity, activity)
}

// all tells whether every one asked for is the one there is.
func all(asked []string, is string) bool {
	for _, a := range asked {
		if a != is {
			return false
		}
	}
	return true
}

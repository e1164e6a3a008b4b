package graphsim

import "strings"

// condition is one comparison of a $filter.
type condition struct {
	property, op string // op is eq, ge, le, gt, lt, … or startswith
	value        string
	quoted       bool // value was a text
}

// parseFilter takes a $filter apart that is comparisons joined by "and". Other
// things that OData has are not understood, and ok is false.
// Source: learn.microsoft.com/graph/filter-query-parameter.
func parseFilter(filter string) (all []condition, ok bool) {
	rest := strings.TrimSpace(filter)
	for {
		var c condition
		if inner, is := strings.CutPrefix(rest, "startswith("); is {
			c.op = "startswith"
			if c.property, rest, ok = strings.Cut(inner, ","); !ok {
				return nil, false
			}
			if c.value, rest, ok = cutText(strings.TrimLeft(rest, " ")); !ok {
				return nil, false
			}
			if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), ")"); !ok {
				return nil, false
			}
			c.property, c.quoted = strings.TrimSpace(c.property), true
		} else {
			c.property, rest, _ = strings.Cut(rest, " ")
			c.op, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
			rest = strings.TrimLeft(rest, " ")
			if c.quoted = strings.HasPrefix(rest, "'"); c.quoted {
				if c.value, rest, ok = cutText(rest); !ok {
					return nil, false
				}
			} else {
				c.value, rest, _ = strings.Cut(rest, " ")
				rest = " " + rest
			}
		}
		if c.property == "" || c.op == "" || c.value == "" && !c.quoted {
			return nil, false
		}
		all = append(all, c)
		if strings.TrimSpace(rest) == "" {
			return all, true
		}
		if rest[0] != ' ' {
			return nil, false
		}
		if rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "and "); !ok {
			return nil, false
		}
		rest = strings.TrimLeft(rest, " ")
	}
}

// cutText cuts a text in quotes off, in which a quote is doubled.
func cutText(s string) (text, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, "'"); !ok {
		return "", "", false
	}
	for {
		part, after, ended := strings.Cut(s, "'")
		if text += part; !ended {
			return "", "", false
		}
		if s, ok = strings.CutPrefix(after, "'"); !ok {
			return text, after, true
		}
		text += "'"
	}
}

// userFilter makes a filter of users. Texts of the directory compare without case.
// Source: learn.microsoft.com/graph/aad-advanced-queries, user properties.
func userFilter(filter string) (keep func(*user) bool, asksEnabled, ok bool) {
	conditions, ok := parseFilter(filter)
	if !ok {
		return nil, false, false
	}
	var tests []func(*user) bool
	for _, c := range conditions {
		value := c.value
		switch {
		case c.property == "accountEnabled" && c.op == "eq" && !c.quoted && (value == "true" || value == "false"):
			asksEnabled = true
			disabled := value == "false"
			tests = append(tests, func(u *user) bool { return u.Disabled == disabled })
		case !c.quoted:
			return nil, false, false
		case c.property == "userType" && c.op == "eq" && (strings.EqualFold(value, "Member") || strings.EqualFold(value, "Guest")):
			guest := strings.EqualFold(value, "Guest")
			tests = append(tests, func(u *user) bool { return u.Guest == guest })
		case c.property == "userPrincipalName" && c.op == "eq":
			tests = append(tests, func(u *user) bool { return strings.EqualFold(u.UPN, value) })
		case c.property == "userPrincipalName" && c.op == "startswith":
			tests = append(tests, func(u *user) bool {
				return len(u.UPN) >= len(value) && strings.EqualFold(u.UPN[:len(value)], value)
			})
		case c.property == "department" && c.op == "eq":
			tests = append(tests, func(u *user) bool { return strings.EqualFold(u.Department, value) })
		default:
			return nil, false, false
		}
	}
	return func(u *user) bool {
		for _, test := range tests {
			if !test(u) {
				return false
			}
		}
		return true
	}, asksEnabled, true
}

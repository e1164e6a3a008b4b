package graphsim

import (
	"regexp"
	"strings"
)

// condition is one comparison of a $filter.
type condition struct {
	property, op string // op is startswith, or eq, ge, le, gt, lt, …
	value        string
	isText       bool // value was in quotes
}

// conditionPattern matches one comparison at the beginning of a filter. In a text, a
// quote is doubled.
var conditionPattern = regexp.MustCompile(
	`^ *(?:startswith\( *(\w+) *, *'((?:[^']|'')*)' *\)|(\w+) +(\w+) +(?:'((?:[^']|'')*)'|([^' ]+)))(?: +and +|( *)$)`)

// parseFilter reads a $filter of comparisons that are joined by "and". ok is false for
// anything else that OData has.
// Source: learn.microsoft.com/graph/filter-query-parameter.
func parseFilter(filter string) (all []condition, ok bool) {
	for {
		m := conditionPattern.FindStringSubmatchIndex(filter)
		if m == nil {
			return nil, false
		}
		group := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return filter[m[2*n]:m[2*n+1]]
		}
		c := condition{property: group(3), op: group(4), value: group(6)}
		switch {
		case m[2] >= 0:
			c = condition{property: group(1), op: "startswith", value: group(2), isText: true}
		case m[10] >= 0:
			c.value, c.isText = group(5), true
		}
		if c.isText {
			c.value = strings.ReplaceAll(c.value, "''", "'")
		}
		all = append(all, c)
		if m[14] >= 0 {
			return all, true
		}
		filter = filter[m[1]:]
	}
}

// userFilter is a filter of users.
type userFilter struct {
	tests       []func(*user) bool
	asksEnabled bool
}

func (f *userFilter) keeps(u *user) bool {
	for _, test := range f.tests {
		if !test(u) {
			return false
		}
	}
	return true
}

// readUserFilter makes a filter of users. Texts of the directory compare without case.
// Source: learn.microsoft.com/graph/aad-advanced-queries, user properties.
func readUserFilter(filter string) (f userFilter, ok bool) {
	conditions, ok := parseFilter(filter)
	for _, c := range conditions {
		test := userTest(c)
		if test == nil {
			return f, false
		}
		f.tests = append(f.tests, test)
		f.asksEnabled = f.asksEnabled || c.property == "accountEnabled"
	}
	return f, ok
}

// userTest returns a test of users, or nil for a condition that Graph refuses.
func userTest(c condition) func(*user) bool {
	value := c.value
	switch c.property + " " + c.op {
	case "accountEnabled eq":
		if !c.isText && (value == "true" || value == "false") {
			return func(u *user) bool { return u.Disabled == (value == "false") }
		}
	case "userType eq":
		if c.isText && (strings.EqualFold(value, "Member") || strings.EqualFold(value, "Guest")) {
			return func(u *user) bool { return strings.EqualFold(u.userType(), value) }
		}
	case "userPrincipalName eq":
		if c.isText {
			return func(u *user) bool { return strings.EqualFold(u.UPN, value) }
		}
	case "userPrincipalName startswith":
		return func(u *user) bool {
			return len(u.UPN) >= len(value) && strings.EqualFold(u.UPN[:len(value)], value)
		}
	case "department eq":
		if c.isText {
			return func(u *user) bool { return strings.EqualFold(u.Department, value) }
		}
	}
	return nil
}

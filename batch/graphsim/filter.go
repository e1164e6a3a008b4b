package graphsim

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// comparison is one comparison of a $filter.
type comparison struct {
	property, op string // op is startswith, or eq, ge, le, gt, lt, …
	value        string // a time is sortable
	bare         bool   // value was not in quotes
}

// sortable returns a time in a form that sorts as text.
func sortable(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// conditionPattern matches one comparison at the beginning of a filter, and what follows it: "and" or
// the end. A quote inside a text is doubled.
var conditionPattern = regexp.MustCompile(
	`^ *(?:startswith\( *(\w+) *, *'((?:[^']|'')*)' *\)|(\w+) +(\w+) +(?:'((?:[^']|'')*)'|([^' ]+)))( +and +| *$)`)

// parseFilter reads a $filter of comparisons that are joined by "and". ok is false for
// every other form that OData allows.
// Source: learn.microsoft.com/graph/filter-query-parameter.
func parseFilter(filter string) (all []comparison, ok bool) {
	for {
		m := conditionPattern.FindStringSubmatch(filter)
		if m == nil {
			return nil, false
		}
		c := comparison{property: m[1] + m[3], op: cmp.Or(m[4], "startswith"), bare: m[6] != "",
			value: strings.ReplaceAll(m[2]+m[5]+m[6], "''", "'")}
		if at, err := time.Parse(time.RFC3339, c.value); err == nil {
			c.value = sortable(at)
		} else if c.op != "eq" && c.op != "startswith" {
			return nil, false // only times are compared
		}
		all = append(all, c)
		if strings.TrimSpace(m[7]) == "" {
			return all, true
		}
		filter = filter[len(m[0]):]
	}
}

// filterable is a property of the items of a collection that a filter may ask about.
type filterable struct {
	bare  bool               // the value has no quotes
	ops   string             // the operators that Graph allows, such as "eq startswith"
	value func(i int) string // a time is sortable; other texts are compared without case
}

// readFilter returns a function that reports whether an item passes the $filter. An empty filter lets every item pass.
// ok is false if Graph would refuse the filter.
func readFilter(filter string, properties map[string]filterable) (keeps func(i int) bool, ok bool) {
	conditions, ok := parseFilter(filter)
	for _, c := range conditions {
		p := properties[c.property]
		ok = ok && slices.Contains(strings.Fields(p.ops), c.op) && c.bare == p.bare
	}
	return func(i int) bool {
		fails := func(c comparison) bool { return !c.holds(properties[c.property].value(i)) }
		return !slices.ContainsFunc(conditions, fails)
	}, ok
}

func (c *comparison) holds(value string) bool {
	switch c.op {
	case "gt":
		return value > c.value
	case "ge":
		return value >= c.value
	case "lt":
		return value < c.value
	case "le":
		return value <= c.value
	case "startswith":
		value = value[:min(len(value), len(c.value))]
	}
	return strings.EqualFold(value, c.value)
}

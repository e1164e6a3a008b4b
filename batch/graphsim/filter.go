package graphsim

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// comparison is one comparison of a $filter.
type comparison struct {
	property, op string // op is startswith, or eq, ge, le, gt, lt, …
	value        string
	bare         bool  // value was not in quotes
	time         int64 // value as Unix time in nanoseconds; 0 if it is no time
}

// conditionPattern matches one comparison at the beginning of a filter. A quote inside a
// text is doubled.
var conditionPattern = regexp.MustCompile(
	`^ *(?:startswith\( *(\w+) *, *'((?:[^']|'')*)' *\)|(\w+) +(\w+) +(?:'((?:[^']|'')*)'|([^' ]+)))(?: +and +|( *)$)`)

// parseFilter reads a $filter of comparisons that are joined by "and". ok is false for
// every other form that OData allows.
// Source: learn.microsoft.com/graph/filter-query-parameter.
func parseFilter(filter string) (all []comparison, ok bool) {
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
		c := comparison{property: group(3), op: group(4), value: group(6), bare: true}
		switch {
		case m[2] >= 0:
			c = comparison{property: group(1), op: "startswith", value: group(2)}
		case m[10] >= 0:
			c.value, c.bare = group(5), false
		}
		c.value = strings.ReplaceAll(c.value, "''", "'")
		if at, err := time.Parse(time.RFC3339, c.value); err == nil {
			c.time = at.UnixNano()
		}
		all = append(all, c)
		if m[14] >= 0 {
			return all, true
		}
		filter = filter[m[1]:]
	}
}

// filterable is a property of the items of a collection that a filter may ask about.
type filterable struct {
	bare bool               // the value has no quotes
	ops  string             // the operators that Graph allows, such as "eq startswith"
	text func(i int) string // returns the value, which is compared without case
	time func(i int) int64  // or returns the value as Unix time in nanoseconds
}

// readFilter returns a function that reports whether an item passes the $filter. An empty filter lets every item pass.
// ok is false if Graph would refuse the filter.
func readFilter(filter string, properties map[string]filterable) (keeps func(i int) bool, ok bool) {
	conditions, ok := parseFilter(filter)
	for _, c := range conditions {
		p := properties[c.property]
		ok = ok && slices.Contains(strings.Fields(p.ops), c.op) && c.bare == p.bare && (p.time == nil || c.time != 0)
	}
	return func(i int) bool {
		return !slices.ContainsFunc(conditions, func(c comparison) bool { return !c.holds(properties[c.property], i) })
	}, ok
}

func (c *comparison) holds(p filterable, i int) bool {
	if p.time == nil {
		value := p.text(i)
		if c.op == "startswith" {
			value = value[:min(len(value), len(c.value))]
		}
		return strings.EqualFold(value, c.value)
	}
	switch at := p.time(i); c.op {
	case "gt":
		return at > c.time
	case "ge":
		return at >= c.time
	case "lt":
		return at < c.time
	}
	return p.time(i) <= c.time
}

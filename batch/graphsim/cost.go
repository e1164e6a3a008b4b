package graphsim

import (
	"net/url"
	"strconv"
)

// Kind says which requests a Limit counts, and as how many.
type Kind int

const (
	All       Kind = iota // every request
	Reads                 // GET and HEAD
	Writes                // everything else
	PassReads             // GET of passes, whose service is not the directory

	// ResourceUnits counts every request as what it costs: pages of users 2, of
	// transitive members 5, other reads and every write 1; $select takes one off,
	// $expand adds one, $top below 20 takes one off, and nothing costs less than 1.
	// A tenant of more than 500 users has Bucket(800, 8000), one of fewer than 50
	// has Bucket(350, 3500). Whether passes, audits and reports count at all is not
	// documented; here they do.
	// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
	ResourceUnits

	kinds // how many there are
)

// cost is what requests count as, by Kind.
type cost [kinds]int

func (w *cost) add(o *cost) {
	for k := range w {
		w[k] += o[k]
	}
}

// cost is what one request counts as.
func (c *call) cost() (w cost) {
	w[All] = 1
	w[ResourceUnits] = c.units()
	if !isRead(c.method) {
		w[Writes] = 1
	} else {
		w[Reads] = 1
	}
	if r := c.route.resource; isRead(c.method) && (r == resPasses || r == resPass || r == resMethods) {
		w[PassReads] = 1
	}
	return w
}

func (c *call) units() int {
	if !isRead(c.method) {
		return 1
	}
	units := 1
	switch c.route.resource {
	case resUsers:
		units = 2
	case resMembers, resMemberUsers:
		units = 5
	}
	if c.query == "" {
		return units
	}
	q, err := url.ParseQuery(c.query)
	if err != nil {
		return units
	}
	if q.Has("$select") {
		units--
	}
	if q.Has("$expand") {
		units++
	}
	if top, err := strconv.Atoi(q.Get("$top")); err == nil && top < 20 {
		units--
	}
	return max(units, 1)
}

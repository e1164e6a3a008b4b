package graphsim

import (
	"net/url"
	"strconv"

	"tapsweep/batch/graphsim/quota"
)

// cost returns how much a request costs, by kind of limit.
func (c *call) cost() (cost quota.Cost) {
	cost[quota.All] = 1
	cost[quota.ResourceUnits] = c.resourceUnits()
	if !isRead(c.Method) {
		cost[quota.Writes] = 1
		return cost
	}
	cost[quota.Reads] = 1
	switch c.route.resource {
	case resPasses, resPass, resMethods:
		cost[quota.PassReads] = 1
	}
	return cost
}

func (c *call) resourceUnits() int {
	if !isRead(c.Method) {
		return 1
	}
	units := 1
	switch c.route.resource {
	case resUsers:
		units = 2
	case resMembers, resMemberUsers:
		units = 5
	}
	q, _ := url.ParseQuery(c.query) // an unreadable query is refused later
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

func isRead(method string) bool { return method == "GET" || method == "HEAD" }

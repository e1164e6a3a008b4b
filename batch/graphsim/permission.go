package graphsim

import (
	"net/url"
	"strconv"
	"strings"

	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/quota"
)

// rights is the set of actions that a token allows.
type rights uint16

const (
	readPasses rights = 1 << iota
	writePasses
	readUsers
	readEnabled  // accountEnabled of users, if Options.BasicHidesEnabled
	readSessions // signInSessionsValidFromDateTime of users
	revokeSessions
	readGroups
	readAudits
	readReport
	readOrganization
)

// grants has the rights of each permission, on all users.
// Source: learn.microsoft.com/graph/permissions-reference;
// microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json.
var grants = map[string]rights{
	"UserAuthMethod-TAP.Read.All":            readPasses,
	"UserAuthMethod-TAP.ReadWrite.All":       readPasses | writePasses,
	"UserAuthenticationMethod.Read.All":      readPasses,
	"UserAuthenticationMethod.ReadWrite.All": readPasses | writePasses,
	"User.ReadBasic.All":                     readUsers,
	"User.Read.All":                          readUsers | readEnabled | readSessions,
	"User.ReadWrite.All":                     readUsers | readEnabled | readSessions | revokeSessions,
	"User.RevokeSessions.All":                revokeSessions,
	"GroupMember.Read.All":                   readGroups,
	"GroupMember.ReadBasic.All":              readGroups,
	"GroupMember.ReadWrite.All":              readGroups,
	"Group.Read.All":                         readGroups,
	"Group.ReadBasic.All":                    readGroups,
	"Group.ReadWrite.All":                    readGroups,
	"AuditLog.Read.All":                      readAudits | readReport,
	"Organization.Read.All":                  readOrganization,
	"Directory.Read.All": readUsers | readEnabled | readSessions | readGroups | readAudits |
		readOrganization,
	"Directory.ReadWrite.All": readUsers | readEnabled | readSessions | readGroups | revokeSessions |
		readOrganization,
}

// ownGrants has the rights of each delegated permission, on the signed-in user only.
var ownGrants = map[string]rights{
	"UserAuthMethod-TAP.Read":            readPasses,
	"UserAuthMethod-TAP.ReadWrite":       readPasses | writePasses,
	"UserAuthenticationMethod.Read":      readPasses,
	"UserAuthenticationMethod.ReadWrite": readPasses | writePasses,
	"User.Read":                          readUsers | readEnabled | readSessions,
	"User.ReadWrite":                     readUsers | readEnabled | readSessions,
}

// principal is the caller of a request, with its rights.
type principal struct {
	*entra.Identity
	all rights // on all users
	own rights // on the signed-in user
}

func newCaller(id *entra.Identity) *principal {
	c := &principal{Identity: id}
	for _, name := range id.Permissions {
		c.all |= grants[name]
		if id.IsUser() {
			c.own |= ownGrants[name]
		}
	}
	return c
}

// allowedOn returns the rights of the caller on a user, who may be nil.
func (c *principal) allowedOn(u *storedUser) rights {
	if c.IsUser() && u != nil && strings.EqualFold(u.ID, c.UserID) {
		return c.all | c.own
	}
	return c.all
}

// cost returns the cost of a request, by kind of limit.
func (c *call) cost() (cost quota.Cost) {
	cost[quota.All] = 1
	cost[quota.ResourceUnits] = c.resourceUnits()
	if !isRead(c.Method) {
		cost[quota.Writes] = 1
		if c.route.resource == resSessions {
			cost[quota.SessionWrites] = 1
		} else {
			cost[quota.PassWrites] = 1
		}
		return cost
	}
	cost[quota.Reads] = 1
	if c.route.resource == resPasses || c.route.resource == resPass {
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
	case resMembers:
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

package graphsim

import (
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

// kinds returns the kinds of a request, for the limits.
func (c *call) kinds() quota.Kind {
	isPass := c.route.resource == resPasses || c.route.resource == resPass
	switch {
	case isRead(c.Method) && isPass:
		return quota.Reads | quota.PassReads
	case isRead(c.Method):
		return quota.Reads
	case c.route.resource == resSessions:
		return quota.Writes | quota.SessionWrites
	}
	return quota.Writes | quota.PassWrites
}

func isRead(method string) bool { return method == "GET" || method == "HEAD" }

package graphsim

import "strings"

// may is a set of things that a token allows.
type may uint16

const (
	readPasses may = 1 << iota
	writePasses
	readUsers
	readEnabled // accountEnabled of users, if Options say that it takes more
	revokeSessions
	readGroups
	readAudits
	readReport
)

// grants says what each permission allows.
// Source: learn.microsoft.com/graph/permissions-reference;
// microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json.
var grants = map[string]may{
	"UserAuthMethod-TAP.Read.All":            readPasses,
	"UserAuthMethod-TAP.ReadWrite.All":       readPasses | writePasses,
	"UserAuthenticationMethod.Read.All":      readPasses,
	"UserAuthenticationMethod.ReadWrite.All": readPasses | writePasses,
	"User.ReadBasic.All":                     readUsers,
	"User.Read.All":                          readUsers | readEnabled,
	"User.ReadWrite.All":                     readUsers | readEnabled | revokeSessions,
	"User.RevokeSessions.All":                revokeSessions,
	"GroupMember.Read.All":                   readGroups,
	"GroupMember.ReadBasic.All":              readGroups,
	"GroupMember.ReadWrite.All":              readGroups,
	"Group.Read.All":                         readGroups,
	"Group.ReadBasic.All":                    readGroups,
	"Group.ReadWrite.All":                    readGroups,
	"AuditLog.Read.All":                      readAudits | readReport,
	"Directory.Read.All":                     readUsers | readEnabled | readGroups | readAudits,
	"Directory.ReadWrite.All":                readUsers | readEnabled | readGroups | revokeSessions,
}

// ownGrants says what a delegated permission allows on the signed-in user only.
var ownGrants = map[string]may{
	"UserAuthMethod-TAP.Read":            readPasses,
	"UserAuthMethod-TAP.ReadWrite":       readPasses | writePasses,
	"UserAuthenticationMethod.Read":      readPasses,
	"UserAuthenticationMethod.ReadWrite": readPasses | writePasses,
	"User.Read":                          readUsers | readEnabled,
	"User.ReadWrite":                     readUsers | readEnabled,
}

// caller is who a token speaks for.
type caller struct {
	delegated bool
	oid       string // the signed-in user
	all, own  may
}

func appCaller(roles []string) caller {
	var c caller
	for _, r := range roles {
		c.all |= grants[r]
	}
	return c
}

func userCaller(oid string, scopes []string) caller {
	c := caller{delegated: true, oid: oid}
	for _, s := range scopes {
		c.all |= grants[s]
		c.own |= ownGrants[s]
	}
	return c
}

// mayDo tells what the caller may do to a user, who may be nil.
func (c *caller) mayDo(u *user) may {
	if c.delegated && u != nil && strings.EqualFold(u.ID, c.oid) {
		return c.all | c.own
	}
	return c.all
}

func needed(r resource, method string) may {
	switch {
	case r == resUsers || r == resUser:
		return readUsers
	case r == resSessions:
		return revokeSessions
	case r == resGroup || r == resMembers || r == resMemberUsers:
		return readGroups
	case r == resAudits:
		return readAudits
	case r == resReport:
		return readReport
	case isRead(method):
		return readPasses
	}
	return writePasses
}

// Package preflight judges an access token before anything is sent: whose it is,
// for which tenant and cloud, and what it may do.
//
// A token is Graph's and not ours to read: its claims may change or be
// encrypted. So what the claims surely rule out is a Problem, and whatever they
// only leave open is a warning.
// Source: learn.microsoft.com/entra/identity-platform/access-tokens.
package preflight

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/cloud"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/jwt"
	"tapsweep/input"
)

// A Kind is what a token speaks for.
type Kind string

const (
	Unknown Kind = "unknown"
	App     Kind = "app"
	User    Kind = "user"
)

// Works tells whether something can be done, as far as a token can tell.
type Works string

const (
	Yes     Works = "yes"
	No      Works = "no"
	Perhaps Works = "perhaps"
)

// A Problem is something that surely keeps the run from its work.
type Problem struct {
	Text  string
	Hints []string // what to do, a line each
}

func (p *Problem) Error() string { return p.Text }

// Task is what a run is to do.
type Task struct {
	ReadOnly bool // it lists, and deletes nothing
	Own      bool // the pass is that of the user who is signed in, under the name of input.Me
	Named    bool // some rows are, by a name of the user's; Others need not tell those
	Others   bool // some rows are of other users

	// Find tells that passes are looked for, and the others where: which takes
	// permissions to read besides.
	Find, Users, Groups, Audit bool

	// Since is the time since which passes are looked for. Zero means no limit.
	Since time.Time
}

// A Token is what an access token tells.
type Token struct {
	Kind        Kind
	Tenant      string   // id, empty if not known
	Who         string   // a name for people, empty if not known
	Self        []string // names of the signed-in user: object id, user principal name
	Permissions []string // as the token has them, in order
	Expires     time.Time
	Doubts      []string // what others could not find out about it, as warnings

	claims   jwt.Claims
	readable bool
	endpoint *cloud.Endpoint
}

// Read takes a token apart. Whatever it cannot read is unknown.
func Read(token string, endpoint *cloud.Endpoint) *Token {
	t := &Token{Kind: Unknown, endpoint: endpoint}
	claims, err := jwt.Parse(token)
	if err != nil || claims.Audience == "" && claims.TenantID == "" && claims.ClientID() == "" {
		return t // without these it is no access token in clear, whatever else it is
	}
	t.claims, t.readable = claims, true
	t.Tenant = safetext.Printable(claims.TenantID)
	t.Permissions = append(append(t.Permissions, claims.Roles...), strings.Fields(claims.Scopes)...)
	for i, p := range t.Permissions {
		t.Permissions[i] = safetext.Printable(p)
	}
	slices.Sort(t.Permissions)
	if claims.Expires > 0 {
		t.Expires = time.Unix(claims.Expires, 0)
	}
	switch {
	case claims.Kind == "user", claims.Scopes != "", claims.Kind == "" && claims.UserPrincipalName() != "":
		t.Kind = User
		for _, name := range []string{claims.ObjectID, claims.UserPrincipalName()} {
			if name != "" {
				t.Self = append(t.Self, name)
			}
		}
	default: // a user's token always has scopes, an app's may have no roles at all
		t.Kind = App
	}
	t.Who = t.name()
	return t
}

func (t *Token) name() string {
	client := safetext.Printable(t.claims.ClientID())
	app := "app " + client
	if t.claims.AppName != "" {
		app = fmt.Sprintf("app %s (%s)", safetext.Printable(t.claims.AppName), client)
	}
	switch {
	case t.Kind == User && t.claims.UserPrincipalName() != "":
		return "user " + safetext.Printable(t.claims.UserPrincipalName()) + " through " + app
	case t.Kind == User:
		return "user " + safetext.Printable(t.claims.ObjectID) + " through " + app
	case client == "":
		return ""
	}
	return app
}

// May tells whether the token allows what n needs, on the signed-in user alone if
// own is set.
func (t *Token) may(n need, own bool) Works {
	has := func(names []string) bool {
		return slices.ContainsFunc(names, func(p string) bool { return slices.Contains(t.Permissions, p) })
	}
	switch {
	case !t.readable:
		return Perhaps
	case own && t.Kind == App:
		return No
	case has(n.any), own && has(n.own):
		return Yes
	case t.Kind == App && has(n.maybe):
		return Perhaps
	}
	return No
}

// Check finds what surely keeps the token from the task, nil if nothing does.
// wanted is the tenant that was asked for, by id or domain, or empty.
func (t *Token) Check(task Task, wanted string) *Problem {
	if !t.readable {
		return nil
	}
	if p := t.Misplaced(wanted); p != nil {
		return p
	}
	n := deletePasses
	if task.ReadOnly {
		n = listPasses
	}
	switch {
	case task.Own && t.Kind == App:
		return &Problem{Text: "--self means the pass of the user who is signed in, and " + t.Who + " is an app, not a user",
			Hints: []string{"sign in as the user with --auth device-code or --auth browser, or name the user"}}
	case task.Others && t.may(n, false) == No:
		return t.missing(n, false)
	case (task.Own || task.Named) && t.may(n, true) == No:
		return t.missing(n, true)
	case task.Find && t.may(listPasses, false) == No:
		return t.missing(listPasses, false)
	}
	for _, place := range task.places() {
		if t.may(place.need, false) == No {
			return t.lacks(place)
		}
	}
	return nil
}

// A place is where users are read from, and what that takes.
type place struct {
	what  string
	need  need
	grant permission // the narrowest
}

func (task Task) places() (list []place) {
	if task.Users {
		list = append(list, place{"read users", lookUpUsers, readBasic})
	}
	if task.Groups {
		list = append(list, place{"read the members of groups", readGroups, groupMembers})
	}
	if task.Audit {
		list = append(list, place{"read the audit log", readAudit, auditLog})
	}
	return list
}

// Misplaced finds what makes the token one for another Graph or another tenant, nil
// if nothing does. It must not be sent there then.
func (t *Token) Misplaced(wanted string) *Problem {
	if !t.readable {
		return nil
	}
	aud := strings.TrimSuffix(t.claims.Audience, "/")
	other := cloud.ByRoot(aud)
	switch {
	case aud == "" || aud == graphApp || strings.EqualFold(aud, t.endpoint.Audience) || strings.EqualFold(aud, t.endpoint.Root):
	case other != nil:
		return &Problem{Text: fmt.Sprintf("the access token is for the cloud %s, and Graph is %s", other.Name, t.endpoint.Root),
			Hints: []string{"choose the cloud with --cloud " + other.Name + ", or sign in to the other one"}}
	default:
		return &Problem{Text: fmt.Sprintf("the access token is for %s, not for Microsoft Graph at %s", safetext.Printable(aud), t.endpoint.Root),
			Hints: []string{"get one for the scope " + t.endpoint.Audience + "/.default"}}
	}
	if strings.EqualFold(t.claims.TenantID, consumerTenant) {
		// Source: the delete page's table of permissions.
		return &Problem{Text: "a personal Microsoft account is signed in, which Graph lets manage nobody's passes",
			Hints: []string{"sign in with a work account of the tenant; --tenant keeps others out"}}
	}
	return t.WrongTenant(wanted)
}

// WrongTenant tells that the token is of another tenant than the one that was asked
// for by its id.
func (t *Token) WrongTenant(wanted string) *Problem {
	if !format.IsGUID(wanted) || t.claims.TenantID == "" || strings.EqualFold(wanted, t.claims.TenantID) {
		return nil
	}
	return &Problem{Text: fmt.Sprintf("the access token of %s is for the tenant %s, and %s was asked for", format.OrUnknown(t.Who), t.Tenant, wanted),
		Hints: []string{"sign in to the right tenant, or fix --tenant or AZURE_TENANT_ID"}}
}

// Warnings says what may keep the token from the task.
func (t *Token) Warnings(task Task) (list []string) {
	list = append(list, t.Doubts...)
	if !t.readable {
		return append(list, "the access token cannot be read, so what it may do is not known before Graph answers")
	}
	if !task.ReadOnly && t.may(deletePasses, false) == Perhaps {
		list = append(list, "its permission to delete is one that Microsoft does not document: Graph may refuse it, "+
			"and does not let it look up what a row without a pass means, or why a pass is not found")
	}
	if task.Named && !task.Others && t.may(deletePasses, false) != Yes {
		// The pages list a path by user and by "me", and the permission, without
		// saying whether they go together.
		// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete.
		list = append(list, "its permission is for the own pass: whether Graph takes it where the user is named is not documented, "+
			"and --self in place of the name is sure to work")
	}
	if t.Kind != User || !task.Others {
		return list
	}
	roles := t.claims.RoleTemplateIDs
	switch {
	case slices.Contains(roles, rolePrivileged), slices.Contains(roles, roleGlobal):
	case slices.Contains(roles, roleAuthAdmin):
		list = append(list, "the user is Authentication Administrator: passes of users with an admin role take "+privilegedAdminName)
	default:
		list = append(list, "no role shows in the token that reaches other users' passes: it takes Authentication Administrator or "+
			privilegedAdminName+"; a custom role, or one for an administrative unit, may not show")
	}
	return list
}

// Privileged tells whether the token shows that users with admin roles can be
// reached.
func (t *Token) Privileged() bool { return slices.Contains(t.claims.RoleTemplateIDs, rolePrivileged) }

// Client is the id of the app that the token was given to.
func (t *Token) Client() string { return t.claims.ClientID() }

// Permitted tells whether the token shows the permission to delete passes of
// other users.
func (t *Token) Permitted() bool { return t.may(deletePasses, false) == Yes }

// PermittedOwn tells whether it shows the permission to delete the signed-in user's
// own passes.
func (t *Token) PermittedOwn() bool { return t.may(deletePasses, true) == Yes }

// MayList tells whether the token lets passes be listed, of the signed-in user alone
// if own is set.
func (t *Token) MayList(own bool) Works { return t.may(listPasses, own) }

// Is tells whether a row's user is the signed-in one, by "me" or by a name that is
// known.
func (t *Token) Is(user string) bool {
	return user == input.Me || slices.ContainsFunc(t.Self, func(name string) bool { return strings.EqualFold(name, user) })
}

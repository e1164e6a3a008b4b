// Package token judges an access token before anything is sent: whose it is, for which tenant
// and cloud, and what it allows.
//
// A token is meant for Graph, not for its caller: its claims may change or be encrypted. So what
// the claims rule out is a Problem, and what they only leave open is a warning.
// Source: learn.microsoft.com/entra/identity-platform/access-tokens.
package token

import (
	"cmp"
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

// A Holder is who a token was given to.
type Holder string

const (
	Unknown Holder = "unknown"
	App     Holder = "app"
	User    Holder = "user"
)

// Access says whether Graph will allow something, as far as a token shows.
type Access string

const (
	Yes     Access = "yes"
	No      Access = "no"
	Perhaps Access = "perhaps"
)

// A Problem is why a run cannot succeed.
type Problem struct {
	Text  string
	Hints []string // what to do, a line each
}

func (p *Problem) Error() string { return p.Text }

// Task is what a run has to do.
type Task struct {
	ReadOnly bool // it lists, and deletes nothing
	Own      bool // it is about the signed-in user's own pass, by the name input.Me
	Others   bool // it is about other users

	// Find says that the run looks for passes. Users, Groups and Audit say where else it reads,
	// which takes further permissions.
	Find, Users, Groups, Audit bool

	// Sessions says that the run revokes the sessions of users, or would if it were not ReadOnly.
	// SessionProof says that it reads whether they are revoked.
	Sessions, SessionProof bool

	// Since is the time since which the run looks for passes. Zero means no limit.
	Since time.Time
}

// A Token is what the claims of an access token say.
type Token struct {
	Kind        Holder
	Tenant      string   // id, empty if not known
	TenantName  string   // for people; the caller sets it if more is known than the id
	Who         string   // a name for people, empty if not known
	Self        []string // names of the signed-in user: object id, user principal name
	Permissions []string // as the token has them, sorted
	Expires     time.Time
	Doubts      []string // warnings of the caller

	claims   jwt.Claims
	readable bool
	endpoint *cloud.Endpoint
}

// Read reads the claims of a token. What it cannot read is unknown.
func Read(token string, endpoint *cloud.Endpoint) *Token {
	t := &Token{Kind: Unknown, endpoint: endpoint}
	claims, err := jwt.Parse(token)
	if err != nil || claims.Audience == "" && claims.TenantID == "" && claims.ClientID() == "" {
		return t // every access token that is not encrypted has one of these
	}
	t.claims, t.readable = claims, true
	t.Tenant = safetext.Printable(claims.TenantID)
	for _, p := range append(claims.Roles, strings.Fields(claims.Scopes)...) {
		t.Permissions = append(t.Permissions, safetext.Printable(p))
	}
	slices.Sort(t.Permissions)
	if claims.Expires > 0 {
		t.Expires = time.Unix(claims.Expires, 0)
	}
	upn := claims.UserPrincipalName()
	t.Kind = App // a user's token always has scopes; an app's may have no roles
	if claims.Kind == "user" || claims.Scopes != "" || claims.Kind == "" && upn != "" {
		t.Kind = User
		t.Self = slices.DeleteFunc([]string{claims.ObjectID, upn}, func(name string) bool { return name == "" })
	}
	t.Who = t.name()
	return t
}

// name returns who the token was given to, for people.
func (t *Token) name() string {
	client := safetext.Printable(t.claims.ClientID())
	app := "app " + client
	if t.claims.AppName != "" {
		app = fmt.Sprintf("app %s (%s)", safetext.Printable(t.claims.AppName), client)
	}
	switch {
	case t.Kind == User:
		return "user " + safetext.Printable(cmp.Or(t.claims.UserPrincipalName(), t.claims.ObjectID)) + " through " + app
	case client == "":
		return ""
	}
	return app
}

// Check returns why the token cannot do the task, nil if nothing rules it out. wanted is the tenant
// that the user asked for, by id or domain, or empty.
func (t *Token) Check(task Task, wanted string) *Problem {
	if !t.readable {
		return nil
	}
	if p := t.WrongPlace(wanted); p != nil {
		return p
	}
	if task.Own && t.Kind == App {
		return &Problem{Text: "--self means the pass of the signed-in user, and " + t.Who + " is an app, not a user",
			Hints: []string{"sign in as the user with --auth device-code or --auth browser, or name the user"}}
	}
	return t.missing(task)
}

// missing returns which permission the token lacks for the task, nil if none.
func (t *Token) missing(task Task) *Problem {
	main := deletePasses
	if task.ReadOnly {
		main = listPasses
	}
	for _, need := range []struct {
		applies bool
		all     capability
	}{
		{task.Own || task.Others, main}, {task.Find, listPasses}, {task.Users, lookUpUsers}, {task.Groups, readGroups},
		{task.Audit, readAudit}, {task.Sessions && !task.ReadOnly, revokeSessions},
	} {
		passes := need.all&(deletePasses|listPasses) != 0
		words, grant := t.lacking(need.all, task.Own && passes)
		if !need.applies || grant == nil {
			continue
		}
		if first := t.firstParty(); passes && first != "" && t.Kind == User {
			// Source: Azure/azure-cli#22775, #23906: its scopes are fixed.
			return &Problem{Text: first + " signed the user in, and its tokens never have the permission to manage " +
				"passes, whatever role the user has",
				Hints: []string{"sign in through an app registration of the tenant: --auth device-code or " +
					"--auth browser with --client-id",
					"az login --service-principal works too, because the token then is the app's own"}}
		}
		text := t.Who + " lacks the permission to " + words
		if passes && t.Kind == User && !task.Own && t.access(need.all, true) == Yes {
			text = t.Who + " may manage only the user's own passes, with --self"
		}
		has := "no permission at all"
		if len(t.Permissions) > 0 {
			has = strings.Join(t.shown(), ", ")
		}
		return &Problem{Text: text + ": the token has " + has, Hints: t.grantHints(grant, task.Own && passes)}
	}
	return nil
}

// firstParty returns the name of a Microsoft app that the token was given to, empty for other apps.
func (t *Token) firstParty() string {
	names := map[string]string{azureCLI: "the Azure CLI", azurePowerShell: "Azure PowerShell"}
	return names[strings.ToLower(t.client())]
}

// WrongPlace returns why the token is for another Graph or another tenant, nil if it is not. A
// token that is must not be sent to this Graph.
func (t *Token) WrongPlace(wanted string) *Problem {
	if !t.readable {
		return nil
	}
	aud := strings.TrimSuffix(t.claims.Audience, "/")
	own := aud == "" || aud == graphApp || strings.EqualFold(aud, t.endpoint.Audience) ||
		strings.EqualFold(aud, t.endpoint.Root)
	switch other := cloud.ByRoot(aud); {
	case own:
	case other != nil:
		return &Problem{Text: fmt.Sprintf("the access token is for the cloud %s, and Graph is %s", other.Name,
			t.endpoint.Root),
			Hints: []string{"choose the cloud with --cloud " + other.Name + ", or sign in to the other one"}}
	default:
		return &Problem{Text: fmt.Sprintf("the access token is for %s, not for Microsoft Graph at %s",
			safetext.Printable(aud), t.endpoint.Root),
			Hints: []string{"get one for the scope " + t.endpoint.Audience + "/.default"}}
	}
	if strings.EqualFold(t.claims.TenantID, consumerTenant) {
		// Source: the delete page's table of permissions.
		return &Problem{Text: "a personal Microsoft account is signed in, and Graph lets it manage no passes",
			Hints: []string{"sign in with a work account of the tenant; --tenant keeps others out"}}
	}
	return t.WrongTenant(wanted)
}

// WrongTenant returns a Problem if the token is of another tenant than wanted, the id that the user
// asked for.
func (t *Token) WrongTenant(wanted string) *Problem {
	if !format.IsGUID(wanted) || t.claims.TenantID == "" || strings.EqualFold(wanted, t.claims.TenantID) {
		return nil
	}
	return &Problem{Text: fmt.Sprintf("the access token of %s is for the tenant %s, but %s was requested",
		format.OrUnknown(t.Who), t.Tenant, wanted),
		Hints: []string{"sign in to the right tenant, or fix --tenant or AZURE_TENANT_ID"}}
}

// Warnings returns what may keep the token from the task.
func (t *Token) Warnings(task Task) []string {
	list := slices.Clone(t.Doubts)
	if !t.readable {
		return append(list, "the access token cannot be read, so Graph's answers will show what it allows")
	}
	if !task.ReadOnly && t.access(deletePasses, false) == Perhaps {
		list = append(list, "Microsoft does not document its permission to delete: Graph may refuse it, "+
			"and does not let it look up what a row without a pass means, or why a pass is not found")
	}
	list = append(list, t.sessionWarnings(task)...)
	if t.Kind != User || !task.Others {
		return list
	}
	roles := t.claims.RoleTemplateIDs
	switch {
	case slices.Contains(roles, rolePrivileged), slices.Contains(roles, roleGlobal):
	case slices.Contains(roles, roleAuthAdmin):
		list = append(list, "the user is Authentication Administrator: passes of users with an admin role take "+
			privilegedAdminName)
	default:
		list = append(list, "the token shows no role that reaches other users' passes: it takes Authentication "+
			"Administrator or "+privilegedAdminName+"; a custom role, or one for an administrative unit, may not show")
	}
	return list
}

// sessionWarnings returns what may keep the token from what the task does about sessions.
func (t *Token) sessionWarnings(task Task) (list []string) {
	if task.Sessions && task.ReadOnly && t.access(revokeSessions, false) == No {
		list = append(list, "to revoke sessions takes "+sessionsOnly.name+", which the token lacks")
	}
	known := []string{roleAuthAdmin, rolePrivileged, roleGlobal}
	isKnown := func(role string) bool { return slices.Contains(known, role) }
	if task.Sessions && task.Others && t.Kind == User && !slices.ContainsFunc(t.claims.RoleTemplateIDs, isKnown) {
		// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
		list = append(list, "to revoke sessions takes a role with "+
			"microsoft.directory/users/invalidateAllRefreshTokens, such as Authentication Administrator, "+
			"and the token shows none")
	}
	if task.SessionProof && t.access(readSessions, false) == No {
		list = append(list, fmt.Sprintf("whether sessions are revoked cannot be verified: the token lacks %s (%s)",
			readUsers.name, readUsers.role))
	}
	return list
}

// Privileged reports whether the token shows the role that reaches users with admin roles.
func (t *Token) Privileged() bool { return slices.Contains(t.claims.RoleTemplateIDs, rolePrivileged) }

// client returns the id of the app that the token was given to.
func (t *Token) client() string { return t.claims.ClientID() }

// Is reports whether a row's user is the signed-in one, by "me" or by a known name.
func (t *Token) Is(user string) bool {
	return user == input.Me ||
		slices.ContainsFunc(t.Self, func(name string) bool { return strings.EqualFold(name, user) })
}

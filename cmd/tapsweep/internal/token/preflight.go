// Package token reads an access token before anything is sent: who is signed in, in which tenant and cloud,
// and what the token allows.
//
// Only Graph should read its tokens. Their claims may change or be encrypted. So if the claims show that
// something cannot work, the result is a Problem. If the claims leave it open, the result is a warning.
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

// A Holder is the kind of identity that is signed in.
type Holder string

const (
	Unknown Holder = "unknown"
	App     Holder = "app"
	User    Holder = "user"
)

// Access is whether the token shows that Graph allows something.
type Access string

const (
	Yes     Access = "yes"
	No      Access = "no"
	Perhaps Access = "perhaps"
)

// A Problem is the reason why a run cannot succeed.
type Problem struct {
	Text  string
	Hints []string // what to do, one line each
}

func (p *Problem) Error() string { return p.Text }

// Task is what the token must allow.
type Task struct {
	ReadOnly bool // the run lists, and deletes nothing
	Own      bool // the run is about the signed-in user's own pass (input.Me)
	Others   bool // the run is about other users

	// Find is set if the run looks for passes. Users, Groups and Audit are set if it also reads users, groups
	// or the audit log. Each of them needs another permission.
	Find, Users, Groups, Audit bool

	// Sessions is set if the run revokes sessions, or would revoke them if it were not ReadOnly.
	// SessionProof is set if the run reads whether sessions are revoked.
	Sessions, SessionProof bool
}

// A Token holds the claims of an access token.
type Token struct {
	Kind        Holder
	Tenant      string   // the tenant ID, empty if not known
	TenantName  string   // for people; the caller sets it if it knows more than the ID
	Who         string   // who is signed in, for people; empty if not known
	Self        []string // the names of the signed-in user: object ID, user principal name
	Permissions []string // the permissions in the token, sorted
	Expires     time.Time
	Doubts      []string // warnings that the caller adds

	claims   jwt.Claims
	readable bool
	endpoint *cloud.Endpoint
}

// Read reads the claims of a token. If it cannot read them, the Token is Unknown.
func Read(token string, endpoint *cloud.Endpoint) *Token {
	t := &Token{Kind: Unknown, endpoint: endpoint}
	claims, err := jwt.Parse(token)
	if err != nil || claims.Audience == "" && claims.TenantID == "" && claims.ClientID() == "" {
		return t // the token is encrypted: all others have one of these claims
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
	t.Kind = App // the token of a user always has scopes; the token of an app may have no roles
	if claims.Kind == "user" || claims.Scopes != "" || claims.Kind == "" && upn != "" {
		t.Kind = User
		t.Self = slices.DeleteFunc([]string{claims.ObjectID, upn}, func(name string) bool { return name == "" })
	}
	t.Who = t.name()
	return t
}

// name returns who is signed in, for people.
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

// Check returns a Problem if the claims show that the token does not allow the task, nil otherwise. wanted is
// the configured tenant: ID, domain or empty.
func (t *Token) Check(task Task, wanted string) *Problem {
	if !t.readable {
		return nil
	}
	if p := t.WrongTarget(wanted); p != nil {
		return p
	}
	if task.Own && t.Kind == App {
		return &Problem{Text: "--self means the pass of the person who is signed in, but " + t.Who + " is an app",
			Hints: []string{"sign in as a person with --auth device-code or --auth browser, or use --user"}}
	}
	return t.missing(task)
}

// missing returns a Problem with the permission that the token lacks for the task, nil if it lacks none.
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
			// The scopes of these tokens are fixed. Source: Azure/azure-cli#22775, #23906.
			return &Problem{Text: first + " signed the user in, and its tokens never have the permission to manage " +
				"passes, whatever role the user has",
				Hints: []string{"sign in through an app registration of the tenant: --auth device-code or " +
					"--auth browser with --client-id",
					"az login --service-principal also works, because the token then belongs to the app"}}
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

// firstParty returns the name of the Azure tool that requested the token, empty for other apps.
func (t *Token) firstParty() string {
	names := map[string]string{azureCLI: "the Azure CLI", azurePowerShell: "Azure PowerShell"}
	return names[strings.ToLower(t.claims.ClientID())]
}

// WrongTarget returns a Problem if the token is for another Graph or another tenant, nil otherwise. Such a token
// must not be sent to this Graph.
func (t *Token) WrongTarget(wanted string) *Problem {
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
			Hints: []string{"choose that cloud with --cloud " + other.Name + ", or sign in to the cloud of this Graph"}}
	default:
		return &Problem{Text: fmt.Sprintf("the access token is for %s, not for Microsoft Graph at %s",
			safetext.Printable(aud), t.endpoint.Root),
			Hints: []string{"get a token for the scope " + t.endpoint.Audience + "/.default"}}
	}
	if strings.EqualFold(t.claims.TenantID, consumerTenant) {
		// Source: the delete page's table of permissions.
		return &Problem{Text: "a personal Microsoft account is signed in, and Graph does not let it manage passes",
			Hints: []string{"sign in with a work account of the tenant; with --tenant, no other account can sign in"}}
	}
	return t.WrongTenant(wanted)
}

// WrongTenant returns a Problem if the token is for another tenant than wanted, which is a tenant ID.
func (t *Token) WrongTenant(wanted string) *Problem {
	if !input.IsGUID(wanted) || t.claims.TenantID == "" || strings.EqualFold(wanted, t.claims.TenantID) {
		return nil
	}
	return &Problem{Text: fmt.Sprintf("the access token of %s is for the tenant %s, but %s was requested",
		format.OrUnknown(t.Who), t.Tenant, wanted),
		Hints: []string{"sign in to the right tenant, or fix --tenant or AZURE_TENANT_ID"}}
}

// Warnings returns why the token may not be enough for the task.
func (t *Token) Warnings(task Task) []string {
	list := slices.Clone(t.Doubts)
	if !t.readable {
		return append(list, "the access token cannot be read: only the answers of Graph will show what it allows")
	}
	if !task.ReadOnly && t.access(deletePasses, false) == Perhaps {
		list = append(list, "Microsoft does not document the permission in this token: Graph may refuse deletes. "+
			"It does not allow tapsweep to list passes, so rows without a pass ID cannot be resolved, and a 404 "+
			"cannot be explained")
	}
	list = append(list, t.sessionWarnings(task)...)
	if t.Kind != User || !task.Others {
		return list
	}
	roles := t.claims.RoleTemplateIDs
	switch {
	case slices.Contains(roles, rolePrivileged), slices.Contains(roles, roleGlobal):
	case slices.Contains(roles, roleAuthAdmin):
		list = append(list, "the user is Authentication Administrator: to delete passes of users with an administrator role, "+
			"the user needs the role "+privilegedAdminName)
	default:
		list = append(list, "the token shows no role that allows the user to delete passes of other users: "+
			"Authentication Administrator or "+privilegedAdminName+" is required. The token may not show a custom "+
			"role, or a role for an administrative unit")
	}
	return list
}

// sessionWarnings returns why the token may not be enough to revoke or verify sessions.
func (t *Token) sessionWarnings(task Task) (list []string) {
	if task.Sessions && task.ReadOnly && t.access(revokeSessions, false) == No {
		list = append(list, "to revoke sessions, the token needs "+sessionsOnly.name+", which it lacks")
	}
	known := []string{roleAuthAdmin, rolePrivileged, roleGlobal}
	isKnown := func(role string) bool { return slices.Contains(known, role) }
	if task.Sessions && task.Others && t.Kind == User && !slices.ContainsFunc(t.claims.RoleTemplateIDs, isKnown) {
		// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
		list = append(list, "to revoke sessions, the user needs a role with "+
			"microsoft.directory/users/invalidateAllRefreshTokens, such as Authentication Administrator; "+
			"the token shows none")
	}
	if task.SessionProof && t.access(readSessions, false) == No {
		list = append(list, fmt.Sprintf("tapsweep cannot verify that sessions are revoked: the token lacks %s (%s)",
			readUsers.name, readUsers.role))
	}
	return list
}

// Is reports whether user is the signed-in user: "me", or one of the names in the token.
func (t *Token) Is(user string) bool { return user == input.Me || input.IsAmong(user, t.Self) }

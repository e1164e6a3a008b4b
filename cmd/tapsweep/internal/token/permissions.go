package token

import (
	"fmt"
	"slices"

	"tapsweep/input"
)

// graphApp is the application ID of Microsoft Graph in all clouds.
const graphApp = "00000003-0000-0000-c000-000000000000"

// A capability is what a permission allows. Capabilities are bits that can be combined.
type capability int

const (
	deletePasses capability = 1 << iota
	listPasses
	lookUpUsers
	readGroups
	readAudit
	readOrganization
	revokeSessions
	readSessions // read signInSessionsValidFromDateTime, which shows whether sessions are revoked

	directory = lookUpUsers | readGroups | readOrganization | readSessions
)

// A permission has a name, which tokens contain, and the IDs with which it is granted.
type permission struct {
	name   string
	allows capability
	own    string // the delegated permission for the signed-in user's own passes, empty if there is none

	role, scope, ownScope string // the IDs: application, delegated, own; empty if no hint needs them

	undocumented bool // Microsoft does not document whether Graph accepts it
}

// The permissions that hints name.
// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete,
// learn.microsoft.com/graph/permissions-reference.
var (
	passOnly = permission{name: "UserAuthMethod-TAP.ReadWrite.All", allows: deletePasses | listPasses,
		own:  "UserAuthMethod-TAP.ReadWrite",
		role: "627169a8-8c15-451c-861a-5b80e383de5c", scope: "05de4a66-e51a-4312-842a-30c8094698d2",
		ownScope: "2424436d-902f-4651-a1c7-b3b93147c960"}
	allMethods = permission{name: "UserAuthenticationMethod.ReadWrite.All", allows: deletePasses | listPasses,
		own:  "UserAuthenticationMethod.ReadWrite",
		role: "50483e42-d915-4231-9639-7fdb7fd190e5", scope: "b7887744-6746-4312-813d-72daeaee7e2d",
		ownScope: "48971fc1-70d7-4245-af77-0beb29b53ee2"}
	listOnly = permission{name: "UserAuthMethod-TAP.Read.All", allows: listPasses, own: "UserAuthMethod-TAP.Read",
		role: "bf82209c-b22b-4747-ac88-a68be99032cf", scope: "6976c635-c9c2-41e6-a21d-e6913a155273"}
	readBasic = permission{name: "User.ReadBasic.All", allows: lookUpUsers,
		role: "97235f07-e226-4f63-ace3-39588e11d3a1", scope: "b340eb25-3456-403f-be2f-af7a0d370277"}
	groupMembers = permission{name: "GroupMember.Read.All", allows: readGroups,
		role: "98830695-27a2-44f7-8c18-0c3ebc9698f6", scope: "bc024368-1153-4739-b217-4326f2e966d0"}
	auditLog = permission{name: "AuditLog.Read.All", allows: readAudit,
		role: "b0afded3-3588-46d8-8b3d-9842eff778da", scope: "e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20"}
	sessionsOnly = permission{name: "User.RevokeSessions.All", allows: revokeSessions,
		role: "77f3a031-c388-4f99-b373-dc68676a979e", scope: "fc30e98b-8810-4501-81f5-c20a3196387b"}
	readUsers = permission{name: "User.Read.All", allows: lookUpUsers | readSessions,
		role: "df021288-bdef-4463-88db-98f22de89214", scope: "a154be20-db9c-4678-8ab7-66f6cc099a59"}
)

// permissions are all permissions that allow something that tapsweep does.
var permissions = []permission{
	passOnly, allMethods, listOnly, readBasic, groupMembers, auditLog, sessionsOnly, readUsers,
	{name: "UserAuthenticationMethod.Read.All", allows: listPasses, own: "UserAuthenticationMethod.Read"},
	// These are public but hidden, and the page about the delete does not list them. They do not allow
	// passes to be listed.
	// Source: microsoftgraph/microsoft-graph-devx-content, provisioningInfo.json.
	{name: "UserAuthMethod-TAP.Delete.All", allows: deletePasses, undocumented: true},
	{name: "UserAuthenticationMethod.Delete.All", allows: deletePasses, undocumented: true},
	// Source: learn.microsoft.com/graph/api/organization-list.
	{name: "Organization.Read.All", allows: readOrganization, own: "User.Read"},
	{name: "User.ReadWrite.All", allows: lookUpUsers | readSessions | revokeSessions},
	{name: "Directory.Read.All", allows: directory | readAudit},
	{name: "Directory.ReadWrite.All", allows: directory | revokeSessions},
	{name: "GroupMember.ReadBasic.All", allows: readGroups},
	{name: "GroupMember.ReadWrite.All", allows: readGroups},
	{name: "Group.ReadBasic.All", allows: readGroups},
	{name: "Group.Read.All", allows: readGroups},
	{name: "Group.ReadWrite.All", allows: readGroups},
}

// needs has the words for each capability, and the narrowest permission that allows it.
var needs = []struct {
	capability
	words string
	grant *permission
}{
	{deletePasses, "delete passes", &passOnly},
	{listPasses, "list passes", &listOnly},
	{lookUpUsers, "read users", &readBasic},
	{readGroups, "read the members of groups", &groupMembers},
	{readAudit, "read the audit log", &auditLog},
	{revokeSessions, "revoke sessions", &sessionsOnly},
	{readSessions, "read whether sessions are revoked", &readUsers},
}

// lacking returns the words for the first capability that the token lacks, and the permission to grant. The
// permission is nil if the token lacks none. own means the signed-in user's own passes.
func (t *Token) lacking(all capability, own bool) (words string, grant *permission) {
	for _, need := range needs {
		if all&need.capability == 0 || t.access(need.capability, own) != No {
			continue
		}
		if need.capability != deletePasses && !own {
			return need.words, need.grant
		}
		if t.endpoint.Cloud == nil || t.endpoint.Cloud.Name == "global" {
			return need.words, &passOnly
		}
		return need.words, &allMethods // other clouds may not have passOnly
	}
	return "", nil
}

// grantHints returns the permission to grant, and the commands that grant it. The commands contain nothing
// from the token except GUIDs.
// Source: learn.microsoft.com/cli/azure/ad/app/permission,
// learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments.
func (t *Token) grantHints(p *permission, own bool) []string {
	name, id, kind := p.name, p.role, "Role"
	switch {
	case own:
		name, id, kind = p.own, p.ownScope, "Scope"
	case t.Kind == User:
		id, kind = p.scope, "Scope"
	}
	client := orPlaceholder(t.claims.ClientID(), "APP_ID")
	commands := []string{
		fmt.Sprintf("  az ad app permission add --id %s --api %s --api-permissions %s=%s", client, graphApp, id, kind),
		"  az ad app permission admin-consent --id " + client}
	if t.Kind == App && t.claims.ManagedIdentityID != "" { // a managed identity has no app registration
		object := orPlaceholder(t.claims.ObjectID, "PRINCIPAL_ID")
		commands = []string{fmt.Sprintf("  graph=$(az ad sp show --id %s --query id --output tsv)", graphApp),
			fmt.Sprintf("  az rest --method POST --uri %s/v1.0/servicePrincipals/%s/appRoleAssignments --body "+
				`"{\"principalId\":\"%s\",\"resourceId\":\"$graph\",\"appRoleId\":\"%s\"}"`,
				t.endpoint.Root, object, object, id)}
	}
	return slices.Concat([]string{fmt.Sprintf("grant %s (%s):", name, id)}, commands,
		[]string{"a new permission takes effect with the next token: usually within minutes, " +
			"up to a day for a managed identity"})
}

func orPlaceholder(id, placeholder string) string {
	if input.IsGUID(id) {
		return id
	}
	return placeholder
}

// access reports whether the token allows a capability for all users. If own is set, it reports this for the
// signed-in user.
func (t *Token) access(c capability, own bool) Access {
	if !t.readable {
		return Perhaps
	}
	if own && t.Kind == App {
		return No
	}
	access := No
	for _, p := range permissions {
		has := slices.Contains(t.Permissions, p.name) || own && p.own != "" && slices.Contains(t.Permissions, p.own)
		switch {
		case !has || p.allows&c == 0:
		case !p.undocumented:
			return Yes
		case t.Kind == App:
			access = Perhaps
		}
	}
	return access
}

// MayLookUp reports whether the token allows tapsweep to read users.
func (t *Token) MayLookUp() Access { return t.access(lookUpUsers, false) }

// MayReadOrganization reports whether the token has a permission to read the domains of the tenant.
func (t *Token) MayReadOrganization() bool { return t.access(readOrganization, t.Kind == User) == Yes }

// MayList reports whether the token allows tapsweep to list passes. own means only the passes of the signed-in
// user.
func (t *Token) MayList(own bool) Access { return t.access(listPasses, own) }

// Roles of Entra, as the template IDs that tokens contain, and well-known tenants and apps.
// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
const (
	roleAuthAdmin       = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	rolePrivileged      = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	roleGlobal          = "62e90394-69f5-4237-9190-012177145e10"
	consumerTenant      = "9188040d-6c67-4c5b-b112-36a304b66dad" // the tenant of personal accounts
	azureCLI            = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	azurePowerShell     = "1950a258-227b-4e31-a9cf-717495945fc2"
	privilegedAdminName = "Privileged Authentication Administrator"
)

package preflight

// graphApp is Microsoft Graph's application id, in any cloud.
const graphApp = "00000003-0000-0000-c000-000000000000"

// A permission has a name, which stands in tokens, and two ids, which the
// commands that grant it take.
type permission struct {
	name        string
	role, scope string // ids: application, delegated
	own         string // the delegated permission for the signed-in user alone
	ownScope    string // its id
}

// What a pass takes. The first is the narrower one.
// Source: learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete,
// learn.microsoft.com/graph/permissions-reference.
var (
	passOnly = permission{name: "UserAuthMethod-TAP.ReadWrite.All",
		role: "627169a8-8c15-451c-861a-5b80e383de5c", scope: "05de4a66-e51a-4312-842a-30c8094698d2",
		own: "UserAuthMethod-TAP.ReadWrite", ownScope: "2424436d-902f-4651-a1c7-b3b93147c960"}
	allMethods = permission{name: "UserAuthenticationMethod.ReadWrite.All",
		role: "50483e42-d915-4231-9639-7fdb7fd190e5", scope: "b7887744-6746-4312-813d-72daeaee7e2d",
		own: "UserAuthenticationMethod.ReadWrite", ownScope: "48971fc1-70d7-4245-af77-0beb29b53ee2"}
	readBasic = permission{name: "User.ReadBasic.All",
		role: "97235f07-e226-4f63-ace3-39588e11d3a1", scope: "b340eb25-3456-403f-be2f-af7a0d370277"}
	groupMembers = permission{name: "GroupMember.Read.All",
		role: "98830695-27a2-44f7-8c18-0c3ebc9698f6", scope: "bc024368-1153-4739-b217-4326f2e966d0"}
	auditLog = permission{name: "AuditLog.Read.All",
		role: "b0afded3-3588-46d8-8b3d-9842eff778da", scope: "e4c9e354-4dc5-45b8-9e7c-e1393b0b1a20"}
	readUsers = permission{name: "User.Read.All",
		role: "df021288-bdef-4463-88db-98f22de89214", scope: "a154be20-db9c-4678-8ab7-66f6cc099a59"}
)

// need is what a deed takes: one of any, or for the signed-in user's own passes
// one of own too. One of maybe may do.
type need struct{ any, own, maybe []string }

var (
	deletePasses = need{
		any: []string{passOnly.name, allMethods.name},
		own: []string{passOnly.own, allMethods.own},
		// Public, yet hidden and not on the page of the operation: whether Graph
		// takes them is not known. They would not let anybody list.
		// Source: microsoftgraph/microsoft-graph-devx-content, provisioningInfo.json.
		maybe: []string{"UserAuthMethod-TAP.Delete.All", "UserAuthenticationMethod.Delete.All"},
	}
	listPasses = need{
		any: []string{passOnly.name, allMethods.name, "UserAuthMethod-TAP.Read.All", "UserAuthenticationMethod.Read.All"},
		own: []string{passOnly.own, allMethods.own, "UserAuthMethod-TAP.Read", "UserAuthenticationMethod.Read"},
	}
	lookUpUsers = need{
		any: []string{readBasic.name, readUsers.name, "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	}
	readGroups = need{
		any: []string{"GroupMember.ReadBasic.All", groupMembers.name, "GroupMember.ReadWrite.All", "Group.ReadBasic.All", "Group.Read.All",
			"Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	}
	readAudit = need{any: []string{auditLog.name, "Directory.Read.All"}}
)

// Roles of Entra by template id, as a token names them.
// Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference.
const (
	roleAuthAdmin       = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	rolePrivileged      = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	roleGlobal          = "62e90394-69f5-4237-9190-012177145e10"
	consumerTenant      = "9188040d-6c67-4c5b-b112-36a304b66dad" // of personal accounts
	azureCLI            = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	azurePowerShell     = "1950a258-227b-4e31-a9cf-717495945fc2"
	privilegedAdminName = "Privileged Authentication Administrator"
)

package preflight

import (
	"fmt"
	"strings"
	"tapsweep/cmd/tapsweep/internal/format"
)

// missing says which permission the token lacks, and how to grant it.
func (t *Token) missing(n need, own bool) *Problem {
	p := allMethods
	if t.endpoint.Cloud == nil || t.endpoint.Cloud.Name == "global" {
		p = passOnly // elsewhere it is not known to exist
	}
	name, id := p.name, p.role
	switch {
	case t.Kind == User && own:
		name, id = p.own, p.ownScope
	case t.Kind == User:
		id = p.scope
	}
	has := "no permission at all"
	if len(t.Permissions) > 0 {
		has = strings.Join(t.shown(), ", ")
	}
	problem := &Problem{Text: fmt.Sprintf("%s lacks the permission to do this: the token has %s", t.Who, has)}
	if t.Kind == User {
		if own2 := t.may(n, true); own2 == Yes && !own {
			problem.Text = fmt.Sprintf("%s may manage the own passes only, and this is about other users: the token has %s", t.Who, has)
		}
		if first := t.firstParty(); first != "" {
			// Source: Azure/azure-cli#22775, #23906: its scopes are fixed.
			problem.Text = fmt.Sprintf("%s signed the user in, and its tokens never carry the permission to manage passes, whatever role the user has", first)
			problem.Hints = []string{
				"sign in through an app registration of the tenant: --auth device-code or --auth browser with --client-id",
				"az login --service-principal works too, since the token then is the app's own",
			}
			return problem
		}
	}
	problem.Hints = append([]string{fmt.Sprintf("grant %s (%s):", name, id)}, t.commands(id)...)
	problem.Hints = append(problem.Hints, "a new permission takes a new token, which may be minutes away; for a managed identity up to a day")
	return problem
}

// lacks says which permission a place to look in takes besides, and how to grant it.
func (t *Token) lacks(p place) *Problem {
	id := p.grant.role
	if t.Kind == User {
		id = p.grant.scope
	}
	return &Problem{Text: fmt.Sprintf("%s may not %s", t.Who, p.what),
		Hints: append([]string{fmt.Sprintf("grant %s (%s):", p.grant.name, id)}, t.commands(id)...)}
}

func (t *Token) firstParty() string {
	switch strings.ToLower(t.claims.ClientID()) {
	case azureCLI:
		return "the Azure CLI"
	case azurePowerShell:
		return "Azure PowerShell"
	}
	return ""
}

// commands are what an administrator runs to grant a permission. What comes out
// of a token goes into them only if it has the form of an id.
// Source: learn.microsoft.com/cli/azure/ad/app/permission,
// learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments.
func (t *Token) commands(id string) []string {
	client, object := orPlaceholder(t.claims.ClientID(), "APP_ID"), orPlaceholder(t.claims.ObjectID, "PRINCIPAL_ID")
	if t.Kind == App && t.claims.ManagedIdentityID != "" {
		root := "https://graph.microsoft.com"
		if t.endpoint.Cloud != nil {
			root = t.endpoint.Cloud.Root
		}
		return []string{
			fmt.Sprintf("  graph=$(az ad sp show --id %s --query id --output tsv)", graphApp),
			fmt.Sprintf(`  az rest --method POST --uri %s/v1.0/servicePrincipals/%s/appRoleAssignments --body "{\"principalId\":\"%s\",\"resourceId\":\"$graph\",\"appRoleId\":\"%s\"}"`,
				root, object, object, id),
		}
	}
	kind := "Role"
	if t.Kind == User {
		kind = "Scope"
	}
	return []string{
		fmt.Sprintf("  az ad app permission add --id %s --api %s --api-permissions %s=%s", client, graphApp, id, kind),
		fmt.Sprintf("  az ad app permission admin-consent --id %s", client),
	}
}

func orPlaceholder(id, placeholder string) string {
	if format.IsGUID(id) {
		return id
	}
	return placeholder
}

package token

import (
	"fmt"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
)

// missing says which permission for passes the token lacks, and how to grant it.
func (t *Token) missing(c capability, own bool) *Problem {
	p := allMethods
	if t.endpoint.Cloud == nil || t.endpoint.Cloud.Name == "global" {
		p = passOnly // whether it exists in other clouds is not known
	}
	name, id := p.name, t.grantID(&p)
	if own {
		name, id = p.own, p.ownScope
	}
	has := "no permission at all"
	if len(t.Permissions) > 0 {
		has = strings.Join(t.shown(), ", ")
	}
	if first := t.firstParty(); first != "" && t.Kind == User {
		// Source: Azure/azure-cli#22775, #23906: its scopes are fixed.
		return &Problem{Text: first + " signed the user in, and its tokens never have the permission to manage " +
			"passes, whatever role the user has",
			Hints: []string{"sign in through an app registration of the tenant: --auth device-code or " +
				"--auth browser with --client-id",
				"az login --service-principal works too, because the token then is the app's own"}}
	}
	text := t.Who + " lacks the permission to do this: the token has " + has
	if t.Kind == User && !own && t.access(c, true) == Yes {
		text = t.Who + " may manage only the user's own passes, and the run is about other users: the token has " + has
	}
	return &Problem{Text: text, Hints: append(t.grantHints(name, id),
		"a new permission takes effect with the next token: usually within minutes, "+
			"up to a day for a managed identity")}
}

// grantID returns the id under which a permission is granted.
func (t *Token) grantID(p *permission) string {
	if t.Kind == User {
		return p.scope
	}
	return p.role
}

// firstParty returns the name of a Microsoft app that the token was given to, empty for other apps.
func (t *Token) firstParty() string {
	names := map[string]string{azureCLI: "the Azure CLI", azurePowerShell: "Azure PowerShell"}
	return names[strings.ToLower(t.Client())]
}

// grantHints returns the commands with which an administrator grants a permission. Only ids of the
// token go into them.
// Source: learn.microsoft.com/cli/azure/ad/app/permission,
// learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments.
func (t *Token) grantHints(name, id string) []string {
	hints := []string{fmt.Sprintf("grant %s (%s):", name, id)}
	if t.Kind == App && t.claims.ManagedIdentityID != "" {
		root := "https://graph.microsoft.com"
		if t.endpoint.Cloud != nil {
			root = t.endpoint.Cloud.Root
		}
		object := orPlaceholder(t.claims.ObjectID, "PRINCIPAL_ID")
		return append(hints,
			fmt.Sprintf("  graph=$(az ad sp show --id %s --query id --output tsv)", graphApp),
			fmt.Sprintf("  az rest --method POST --uri %s/v1.0/servicePrincipals/%s/appRoleAssignments --body "+
				`"{\"principalId\":\"%s\",\"resourceId\":\"$graph\",\"appRoleId\":\"%s\"}"`, root, object, object, id))
	}
	kind := "Role"
	if t.Kind == User {
		kind = "Scope"
	}
	client := orPlaceholder(t.Client(), "APP_ID")
	return append(hints,
		fmt.Sprintf("  az ad app permission add --id %s --api %s --api-permissions %s=%s", client, graphApp, id, kind),
		"  az ad app permission admin-consent --id "+client)
}

func orPlaceholder(id, placeholder string) string {
	if format.IsGUID(id) {
		return id
	}
	return placeholder
}

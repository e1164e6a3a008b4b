package graphsim

// getOrganization answers with the one organization of the tenant.
// Source: learn.microsoft.com/graph/api/organization-list.
func (t *Tenant) getOrganization(c *call) callAnswer {
	opts := t.Entra.Options()
	domain := map[string]any{"name": opts.Domain, "isDefault": true, "isInitial": true}
	return jsonAnswer(200, map[string]any{"@odata.context": c.root + "/$metadata#organization",
		"value": []any{map[string]any{"id": opts.TenantID, "displayName": "Contoso",
			"verifiedDomains": []any{domain}}}})
}

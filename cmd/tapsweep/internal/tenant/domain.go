package tenant

import (
	"context"
	"encoding/json"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
)

// LearnDomain reads the default domain of the tenant, if it is not known and the token allows it. The domain
// is only shown to people, so errors are ignored.
// Source: learn.microsoft.com/graph/api/organization-list.
func (t *Tenant) LearnDomain(ctx context.Context, runner *batch.Runner) {
	if t.Domain != "" || t.Token == nil || !t.Token.MayReadOrganization() {
		return
	}
	got, err := runner.Do(ctx, batch.Request{Method: "GET", URL: "/organization?$select=id,verifiedDomains"})
	if err != nil || got.Response.Status != 200 {
		return
	}
	var list struct {
		Value []struct {
			Domains []struct {
				Name    string `json:"name"`
				Default bool   `json:"isDefault"`
			} `json:"verifiedDomains"`
		} `json:"value"`
	}
	if json.Unmarshal(got.Response.Body, &list) != nil || len(list.Value) != 1 {
		return
	}
	for _, d := range list.Value[0].Domains {
		if d.Default {
			t.setDomain(d.Name)
		}
	}
}

func (t *Tenant) setDomain(domain string) {
	t.Domain = safetext.Printable(domain)
	t.Token.TenantName = t.Name()
}

// Name returns the domain and the ID of the tenant for display. What is not known is left out.
func (t *Tenant) Name() string {
	if t.Domain == "" || t.Domain == t.ID {
		return format.OrUnknown(t.ID)
	}
	return t.Domain + " (" + format.OrUnknown(t.ID) + ")"
}

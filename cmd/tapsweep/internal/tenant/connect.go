package tenant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// A Tenant is a tenant with an access token for it.
type Tenant struct {
	ID     string // from the token if it can be read, else as configured
	Domain string // the configured domain if the authority confirms it, or the domain that LearnDomain reads
	Root   string // the root URL of Graph
	API    string // the root with the version; all next links must begin with it
	Token  *token.Token
	Method string // how the token was obtained
	Client *graph.Client

	// wrongTenant is set if the token is, or may be, for another tenant than the wanted one.
	wrongTenant *token.Problem

	client  string // the configured client ID, or empty
	wanted  string // the configured tenant: ID, domain or empty; the ID replaces a domain that was looked up
	unasked bool   // wrongTenant is set because the authority could not be asked
	stop    func() // nil for a real tenant
}

// Connect gets a token. It refuses a token for another tenant.
func (t *Target) Connect(ctx context.Context) (*Tenant, error) {
	tenant, err := t.ConnectToAny(ctx, nil)
	if err == nil && tenant.wrongTenant != nil {
		tenant.Close()
		if tenant.unasked {
			return nil, &status.Error{Code: status.Stopped, Err: errors.New(tenant.wrongTenant.Text),
				Hints: tenant.wrongTenant.Hints}
		}
		return nil, refuseToken(tenant.wrongTenant)
	}
	return tenant, err
}

// ConnectToAny gets a token for any tenant. A nil transport means the default transport.
func (t *Target) ConnectToAny(ctx context.Context, transport http.RoundTripper) (*Tenant, error) {
	if transport == nil {
		transport = t.Transport()
	}
	tenant := &Tenant{wanted: t.credential.Tenant, client: t.credential.ClientID,
		Method: t.credential.Method, Root: t.endpoint.Root, API: t.endpoint.Root + "/" + t.endpoint.Version}
	client, err := graph.New(auth.Pin(t.credential), graph.Options{Root: t.endpoint.Root, Audience: t.endpoint.Audience,
		Version: t.endpoint.Version, UserAgent: "tapsweep/" + cmp.Or(t.opts.Version, "devel"), Transport: transport})
	if err != nil {
		return nil, status.Refuse(err)
	}
	accessToken, err := t.firstToken(ctx, client)
	if err != nil {
		return nil, t.noToken(err)
	}
	tenant.Client, tenant.Token = client, token.Read(accessToken, t.endpoint)
	tenant.wrongTenant = t.compare(ctx, tenant)
	tenant.ID = cmp.Or(tenant.Token.Tenant, tenant.wanted)
	if tenant.wrongTenant == nil && t.credential.Tenant != "" && !input.IsGUID(t.credential.Tenant) {
		tenant.setDomain(t.credential.Tenant)
	}
	return tenant, nil
}

// Transport returns a transport that trusts the certificate authorities of the target.
func (t *Target) Transport() *http.Transport { return auth.Transport(t.roots) }

// Close stops the server of a simulated tenant. It does nothing for a real tenant.
func (t *Tenant) Close() {
	if t.stop != nil {
		t.stop()
	}
}

// compare returns a Problem if the token is, or may be, for another tenant than the wanted one. This can
// happen with a token file, a managed identity or a command-line tool: they return a token for some tenant.
// compare replaces a wanted domain by its ID.
func (t *Target) compare(ctx context.Context, to *Tenant) *token.Problem {
	byDomain := !input.IsGUID(to.wanted)
	switch {
	case to.wanted == "", t.credential.BoundToTenant() && (byDomain || to.Token.Tenant == ""):
		return nil
	case to.Token.Tenant == "":
		to.Token.Doubts = append(to.Token.Doubts,
			"the access token does not name its tenant, so tapsweep cannot check that it is for "+
				safetext.Printable(to.wanted))
		return nil
	case byDomain:
		transport := t.Transport()
		defer transport.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(ctx, machinePatience)
		defer cancel()
		id, err := auth.TenantID(ctx, transport, t.endpoint.Authority, t.endpoint.Hosts(), to.wanted)
		if err != nil {
			away, unanswered := errors.AsType[*auth.AuthorityUnreachableError](err)
			to.unasked = unanswered && unreached[away.Kind].code == status.Stopped
			return &token.Problem{
				Text: fmt.Sprintf("the access token is for the tenant %s, but tapsweep cannot check that this is %s: "+
					"%s", to.Token.Tenant, safetext.Printable(to.wanted), safetext.Printable(err.Error())),
				Hints: []string{"give the ID of the tenant in --tenant or AZURE_TENANT_ID"}}
		}
		to.wanted = id
	}
	return to.Token.WrongTenant(to.wanted)
}

// Check prints what the token allows. It returns an error if the token certainly does not allow the task.
func (t *Tenant) Check(w io.Writer, task token.Task) error {
	t.Token.Print(w, task)
	problem := t.Token.Check(task, t.wanted)
	if problem == nil {
		return nil
	}
	err := refuseToken(problem)
	err.Hints = append(err.Hints, "to run without this check, use --no-preflight")
	return err
}

func refuseToken(p *token.Problem) *status.Error {
	return &status.Error{Code: status.NoAccess, Err: fmt.Errorf("%w\nnothing was sent", p), Hints: p.Hints}
}

// WrongTarget returns a Problem if the token is for another tenant or another Graph, nil otherwise.
func (t *Tenant) WrongTarget() *token.Problem {
	if t.wrongTenant != nil {
		return t.wrongTenant
	}
	return t.Token.WrongTarget(t.wanted)
}

// Lacks returns a Problem if the token does not allow the task, nil otherwise.
func (t *Tenant) Lacks(task token.Task) *token.Problem { return t.Token.Check(task, t.wanted) }

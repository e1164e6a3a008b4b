package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/auth"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/internal/safetext"
)

// tenant is where a run goes to, with a token for it.
type tenant struct {
	id     string // from the token if it can be read, else as configured
	wanted string // as configured: id, domain or empty; a domain only where its id is not needed
	root   string // Graph's
	api    string // the root with the version, where next links have to be
	token  *preflight.Token
	method string // how the token was come by
	client *graph.Client
	close  func()

	// elsewhere says that the token is, or may be, of another tenant than the wanted.
	elsewhere *preflight.Problem
	unasked   bool // elsewhere is set because the authority could not be asked
}

func checkRoot(root string) error {
	_, err := graph.ParseRoot(root)
	return err
}

// connect gets a token, so that a run that cannot have one ends before it
// began, and so does one whose token is another tenant's.
func (c *connection) connect(ctx context.Context) (*tenant, error) {
	t, err := c.dial(ctx, nil)
	if err == nil && t.elsewhere != nil {
		t.close()
		if t.unasked {
			return nil, &status.Error{Code: status.Stopped, Err: errors.New(t.elsewhere.Text), Hints: t.elsewhere.Hints}
		}
		return nil, refuseToken(t.elsewhere)
	}
	return t, err
}

// dial gets a token. A nil transport is the usual one.
func (c *connection) dial(ctx context.Context, transport http.RoundTripper) (*tenant, error) {
	t := &tenant{wanted: c.credential.Tenant, root: c.endpoint.Root, api: c.endpoint.Root + "/" + c.endpoint.Version,
		method: c.credential.Method, close: func() {}}
	client, err := graph.New(auth.Pin(c.credential), graph.Options{Root: c.endpoint.Root, Audience: c.endpoint.Audience,
		Version: c.endpoint.Version, UserAgent: "tapsweep/" + buildVersion(), Transport: transport})
	if err != nil {
		return nil, status.Refuse(err)
	}
	token, err := c.firstToken(ctx, client)
	if err != nil {
		return nil, c.noToken(err)
	}
	t.client, t.token = client, preflight.Read(token, c.endpoint)
	t.elsewhere = c.compare(ctx, t)
	t.id = cmp.Or(t.token.Tenant, t.wanted)
	return t, nil
}

// compare finds out whether the token is of the tenant that was asked for, which
// not every credential sees to: a file, a machine or a tool has a token of some
// tenant. It replaces a wanted domain by its id.
func (c *connection) compare(ctx context.Context, t *tenant) *preflight.Problem {
	switch {
	case t.wanted == "":
		return nil
	case t.token.Tenant == "" && c.credential.Enforces():
		return nil
	case t.token.Tenant == "":
		t.token.Doubts = append(t.token.Doubts, "the access token does not tell its tenant, so it is not known to be of "+safetext.Printable(t.wanted))
		return nil
	case format.IsGUID(t.wanted):
		return t.token.WrongTenant(t.wanted)
	case c.credential.Enforces(): // by the domain itself
		return nil
	}
	transport := graph.NewTransport(nil)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, machinePatience)
	defer cancel()
	id, err := auth.TenantID(ctx, transport, c.endpoint.Authority, c.endpoint.Hosts(), t.wanted)
	if err != nil {
		away, _ := errors.AsType[*auth.UnreachedError](err)
		t.unasked = outOfReach(away)
		return &preflight.Problem{
			Text: fmt.Sprintf("the access token is for the tenant %s, and whether that is %s cannot be found out: %s",
				t.token.Tenant, safetext.Printable(t.wanted), safetext.Printable(err.Error())),
			Hints: []string{"give the tenant by its id: --tenant or AZURE_TENANT_ID"}}
	}
	t.wanted = id
	return t.token.WrongTenant(id)
}

// withDeadline ends the context after the time, if that is not 0.
func withDeadline(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	if after <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, after, &deadlineError{after})
}

// A deadlineError is the end of a run by --deadline.
type deadlineError struct{ after time.Duration }

func (e *deadlineError) Error() string { return fmt.Sprintf("the deadline of %v is over", e.after) }

// caller is what the token tells about refusals.
func (t *tenant) caller() revoke.Caller {
	return revoke.Caller{App: t.token.Kind == preflight.App, Self: t.token.Self,
		Permitted: t.token.Permitted(), PermittedOwn: t.token.PermittedOwn(), Privileged: t.token.Privileged()}
}

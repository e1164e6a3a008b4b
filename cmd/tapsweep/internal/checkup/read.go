package checkup

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// read lists the passes of a user in a batch, as a run does, and reads users if the token allows it. Without a name it
// uses a user who does not exist, so that the check reads nobody's passes: Graph answers 404 if the token allows
// tapsweep to list passes, else 403.
func (c *Checkup) read(ctx context.Context, runner *batch.Runner, t *tenant.Tenant, user string) {
	made, what := false, "the passes of "+user
	switch {
	case strings.EqualFold(user, input.Me) && t.Token.Kind == token.App:
		c.note("passes", "failed", `--user me is the signed-in user, and an app is signed in`,
			"name the user by object ID or user principal name")
		c.Exit = max(c.Exit, status.Incomplete)
		return
	case strings.EqualFold(user, input.Me):
		user = input.Me
	case user != "":
	case t.Token.MayList(false) == token.No && t.Token.MayList(true) == token.Yes:
		user, what = input.Me, "the signed-in user's own passes"
	default:
		made, user, what = true, uuid.NewString(), "the passes of a user that does not exist"
	}
	got, err := ask(ctx, runner, pass.PassesURL(user))
	code := got.Response.Status
	if err == nil {
		c.Passes, err = lines(user, got)
	}
	switch {
	case err == nil:
		c.note("passes", "ok", "Graph listed "+what)
	case made && code == 404:
		c.note("passes", "ok", "Graph answered 404 for "+what+", as expected")
	case made && code == 403 && t.Token.MayList(false) == token.No:
		// The findings about the claims already include this.
		c.note("passes", "warning", "Graph accepts the token, and answered 403 for "+what+
			", because the token does not allow to list passes; so it is not known what else works")
		return
	case !made && code == 404: // without permission Graph would answer 403
		c.note("passes", "failed", "the tenant has no user "+user, "check the name, or use the object ID")
		c.Exit = max(c.Exit, status.Incomplete)
	default:
		var hints []string
		if code == 403 {
			hints = []string{t.Token.Hint(user)}
		}
		c.refused("passes", what, got, err, hints...)
		return
	}
	if !made || t.Token.MayLookUp() != token.Yes {
		return
	}
	const users = "one user"
	if got, err := ask(ctx, runner, "/users?$top=1&$select=id"); err != nil {
		var hints []string
		if got.Response.Status == 403 {
			hints = []string{"to look users up, grant User.ReadBasic.All or User.Read.All; a new permission takes " +
				"effect with the next token"}
		}
		c.refused("users", users, got, err, hints...)
		return
	}
	c.note("users", "ok", "Graph listed "+users)
}

func lines(user string, got batch.Result) ([]scan.Line, error) {
	upn := ""
	if strings.Contains(user, "@") {
		upn = user
	}
	held, err := pass.Read(got)
	list := make([]scan.Line, 0, len(held))
	for i := range held {
		p := &held[i]
		list = append(list, scan.Line{User: user, UPN: upn, Method: p.ID, Reason: string(p.Reason(time.Now())),
			Created: p.Created, Start: p.Start, Expires: p.Expires(), UsableOnce: p.UsableOnce})
	}
	return list, err
}

// ask sends one GET. It returns an error for any answer except 200.
func ask(ctx context.Context, runner *batch.Runner, url string) (got batch.Result, err error) {
	got, err = runner.Do(ctx, batch.Request{Method: "GET", URL: url})
	if err == nil {
		err = pass.Decode(got, "the body", new(json.RawMessage))
	}
	return got, err
}

// refused adds the finding that Graph refused a request. A command that sends such requests then may not work, even if
// the token allows it.
func (c *Checkup) refused(step, what string, got batch.Result, err error, hints ...string) {
	code, works := status.Incomplete, token.Perhaps
	if errors.Is(err, batch.ErrBlocked) {
		exit := status.Of(err)
		hints, code = exit.Hints, exit.Code
	} else if errors.Is(err, batch.ErrUnauthorized) || got.Response.Status == 401 {
		exit := status.Of(fmt.Errorf("%w: %w", batch.ErrUnauthorized, err))
		hints, code, works = exit.Hints, exit.Code, token.No
	}
	for i := range c.Commands {
		if v := &c.Commands[i]; v.Works == token.Yes && (step == "passes" || v.Users) {
			v.Works = works
		}
	}
	c.note(step, "failed", "reading "+what+": "+safetext.Printable(format.Error(err)), hints...)
	c.Exit = max(c.Exit, code)
}

// A witness is a transport that records properties of the answers.
type witness struct {
	next http.RoundTripper

	mu    sync.Mutex
	state *tls.ConnectionState
	skew  time.Duration // how far this clock is ahead of the clock of Graph, in whole seconds
	dated bool
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = resp.TLS
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// The header Date is rounded down to a second. It was written between the request and the answer.
		middle := sent.Add(time.Since(sent) / 2)
		w.skew, w.dated = middle.Sub(date.Add(500*time.Millisecond)), true
	}
	return resp, nil
}

// clockLimit is the smallest skew that is reported. Entra allows five minutes.
const clockLimit = time.Minute

// wire adds findings about the connection to Graph.
func (c *Checkup) wire(w *witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.state != nil && len(w.state.PeerCertificates) > 0:
		cert := w.state.PeerCertificates[0]
		c.note("TLS", "ok", fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(w.state.Version),
			safetext.Printable(cert.Issuer.CommonName), cert.NotAfter.UTC().Format(time.DateOnly)))
	case w.dated:
		c.note("TLS", "warning", "none: Graph's root is plain http on this machine")
	default:
		c.note("TLS", "skipped", "nothing was read from Graph")
	}
	switch skew := w.skew.Abs().Round(time.Second); {
	case !w.dated:
		c.note("clock", "skipped", "nothing was read from Graph")
	case skew < clockLimit:
		c.note("clock", "ok", fmt.Sprintf("within %v of Graph's", max(skew, time.Second)))
	default:
		side := "ahead of"
		if w.skew < 0 {
			side = "behind"
		}
		c.note("clock", "warning", fmt.Sprintf("%v %s Graph's: tokens may be refused, and times in the log are wrong",
			skew, side),
			"set the clock by the network (NTP)")
	}
}

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/input"
)

type checkFlags struct {
	connect  connectFlags
	user     string
	output   string
	logLevel string
	logForm  string
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "Try the sign-in out, and say what it is good for",
		Long: `Get an access token, look at what it allows, and read once through a batch. It
changes nothing. Run it as the account, and on the machine, that the work is to be
done by: a night job whose check is good at noon does not fail for these reasons
at night.

Exit codes: 0 all is well for revoke, 1 something is not, 2 usage, 3 no access
token that Graph takes, or one that surely does not allow to revoke.`,
		Example: `  tapsweep check
  tapsweep check --user dana@contoso.com --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.check(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.user, "user", "", "list this user's passes; \"me\" is who is signed in (default read one user, where allowed)")
	fl.StringVar(&f.output, "output", "text", "text or json")
	f.connect.add(fl)
	addLogFlags(cmd, &f.logLevel, &f.logForm)
	return cmd
}

// A finding is one step of the check.
type finding struct {
	Step   string   `json:"step"`
	Result string   `json:"result"` // ok, warning, failed, skipped
	Detail string   `json:"detail"`
	Hints  []string `json:"hints,omitempty"`
}

// A checkup is what the check found out, as --output json prints it.
type checkup struct {
	Tenant      string              `json:"tenant"`
	Cloud       string              `json:"cloud"`
	Graph       string              `json:"graph"`
	SignedInAs  string              `json:"signedInAs"`
	Kind        preflight.Kind      `json:"kind"`
	Permissions []string            `json:"permissions"`
	Steps       []finding           `json:"steps"`
	Commands    []preflight.Verdict `json:"commands"`
	Exit        int                 `json:"exit"`
}

func (c *checkup) note(step, result, detail string, hints ...string) {
	c.Steps = append(c.Steps, finding{step, result, detail, hints})
}

// checkPatience bounds the whole check. A person waits for it.
const checkPatience = 2 * time.Minute

func (a *app) check(ctx context.Context, f *checkFlags) error {
	if f.output != "text" && f.output != "json" {
		return refuse(fmt.Errorf("--output %q is not text or json", f.output))
	}
	if f.user != "" && !strings.EqualFold(f.user, input.Me) {
		if err := input.CheckUser(f.user); err != nil {
			return refuse(fmt.Errorf("--user: %w", err))
		}
	}
	logger, err := a.logger(f.logLevel, f.logForm)
	if err != nil {
		return err
	}
	way, err := a.prepare(&f.connect)
	if err != nil {
		return err
	}
	c := &checkup{Graph: way.endpoint.Root, Cloud: "other", Kind: preflight.Unknown, Permissions: []string{}, Commands: []preflight.Verdict{}}
	if way.endpoint.Cloud != nil {
		c.Cloud = way.endpoint.Cloud.Name
	}
	seen := &witness{next: graph.NewTransport(nil)}
	start := time.Now()
	tenant, err := way.dial(ctx, seen)
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err == nil {
		defer tenant.close()
		ctx, cancel := context.WithTimeoutCause(ctx, checkPatience, fmt.Errorf("no answer within %v", checkPatience))
		defer cancel()
		c.token(tenant, time.Since(start))
		runner, err := batch.NewRunner(tenant.client, batch.Options{MaxAttempts: 2, RequestTimeout: 30 * time.Second,
			MaxWait: checkPatience, Reauthorize: tenant.client.Reauthorize, Logger: logger})
		if err != nil {
			return refuse(err)
		}
		c.read(ctx, runner, tenant, f.user)
		c.wire(seen)
	} else {
		failed, ok := errors.AsType[*exitError](err)
		if !ok || failed.code != exitAuth {
			return err
		}
		c.note("token", "failed", failed.err.Error(), failed.hints...)
		c.Exit = exitAuth
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err := a.printCheckup(c, f.output, tenant); err != nil {
		return err
	}
	if c.Exit != exitDone {
		return &exitError{code: c.Exit}
	}
	return nil
}

// token notes what the access token tells.
func (c *checkup) token(t *tenant, took time.Duration) {
	tok := t.token
	c.Tenant, c.SignedInAs, c.Kind, c.Commands = t.id, tok.Who, tok.Kind, tok.Verdicts()
	c.Permissions = append(c.Permissions, tok.Permissions...)
	detail := fmt.Sprintf("by %s in %s", t.method, took.Round(10*time.Millisecond))
	if !tok.Expires.IsZero() {
		detail += ", ends at " + tok.Expires.UTC().Format(time.RFC3339)
	}
	c.note("token", "ok", detail)
	task := preflight.Task{Others: true}
	problem := tok.Check(task, t.wanted)
	if problem != nil && tok.Kind == preflight.User && tok.Check(preflight.Task{Own: true}, t.wanted) == nil {
		// Good for --self, which is something, and not for a list.
		c.note("claims", "failed", problem.Text, problem.Hints...)
		c.Exit = exitLeft
		return
	}
	switch warnings := tok.Warnings(task); {
	case problem != nil:
		c.note("claims", "failed", problem.Text, problem.Hints...)
		c.Exit = exitAuth
	case len(warnings) > 0:
		c.note("claims", "warning", strings.Join(warnings, "; "))
	default:
		c.note("claims", "ok", tok.Deeds())
	}
}

// read asks Graph for something harmless, through a batch as all that follows.
func (c *checkup) read(ctx context.Context, runner *batch.Runner, t *tenant, user string) {
	url, what := "/users?$top=1&$select=id", "GET /users?$top=1"
	switch {
	case user != "":
		if strings.EqualFold(user, input.Me) {
			user = input.Me
		}
		url, what = passes.PassesURL(user), "LIST of the passes of "+user
	case t.token.MayLookUp() == preflight.No:
		c.note("read", "skipped", "the token does not allow to read users; --user NAME lists the passes of one instead")
		return
	}
	var got batch.Result
	err := runner.Run(ctx, func(yield func(batch.Request) bool) { yield(batch.Request{Method: "GET", URL: url}) },
		func(res batch.Result) []batch.Request { got = res; return nil })
	if err == nil {
		err = got.Err
	}
	if err == nil && got.Response.Status != 200 {
		err = got.Response.StatusError()
	}
	if err == nil {
		c.note("read", "ok", what+": 200")
		return
	}
	var hints []string
	code := exitLeft
	switch status := got.Response.Status; {
	case errors.Is(err, batch.ErrUnauthorized) || status == 401:
		hints, code = t.hints(batch.ErrUnauthorized), exitAuth
	case status == 403:
		hints = []string{t.caller().Hint(user)}
	case status == 404:
		hints = []string{"the tenant has no such user: check the name, or use the object id"}
	}
	c.note("read", "failed", what+": "+batch.Printable(err.Error()), hints...)
	c.Exit = max(c.Exit, code)
}

// A witness is a transport that looks at answers in passing.
type witness struct {
	next http.RoundTripper

	mu    sync.Mutex
	state *tls.ConnectionState
	skew  time.Duration // of this clock against Graph's, to the second
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
		// Date has whole seconds, cut off, and was written between now and then.
		middle := sent.Add(time.Since(sent) / 2)
		w.skew, w.dated = middle.Sub(date.Add(500*time.Millisecond)), true
	}
	return resp, nil
}

// clockLimit is the skew that is worth a word. Entra allows five minutes.
const clockLimit = time.Minute

// wire notes what the connection to Graph was like.
func (c *checkup) wire(w *witness) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.state != nil && len(w.state.PeerCertificates) > 0:
		cert := w.state.PeerCertificates[0]
		c.note("TLS", "ok", fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(w.state.Version),
			batch.Printable(cert.Issuer.CommonName), cert.NotAfter.UTC().Format(time.DateOnly)))
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
		c.note("clock", "warning", fmt.Sprintf("%v %s Graph's: tokens may be refused, and times in the log are wrong", skew, side),
			"set the clock by the network (NTP)")
	}
}

func (a *app) printCheckup(c *checkup, output string, t *tenant) error {
	if output == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(c)
	}
	var b strings.Builder
	if t != nil {
		t.token.Print(&b, preflight.Task{})
		b.WriteByte('\n')
	}
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, s := range c.Steps {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Step, s.Result, strings.ReplaceAll(s.Detail, "\n", "; "))
	}
	tw.Flush()
	if len(c.Commands) > 0 {
		fmt.Fprintf(&b, "\n")
		fmt.Fprintf(tw, "command\tworks\tneeds\n")
		for _, v := range c.Commands {
			fmt.Fprintf(tw, "%s\t%s\t%s\n", v.Command, v.Works, v.Needs)
		}
		tw.Flush()
	}
	for _, s := range c.Steps {
		for _, h := range s.Hints {
			fmt.Fprintf(&b, "hint: %s\n", h)
		}
	}
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

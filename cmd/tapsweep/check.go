package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch"
	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/status"
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
		Long: `Get an access token, check what it allows, and list the passes of a user who does
not exist, which shows whether Graph accepts the token. It changes nothing. Run it
with the account and on the machine that will do the work, so that a night job does
not fail for reasons that this check finds.

Exit codes: 0 revoke can run, 1 something is wrong, 3 no access token that
Graph accepts, or one that does not allow deletes, 4 stopped by a signal,
64 wrong flags.`,
		Example: `  tapsweep check
  tapsweep check --user dana@contoso.com --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.check(cmd.Context(), &f)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.user, "user", "", "list this user's passes; \"me\" is who is signed in (default one who does not exist)")
	addEnum(fl, &f.output, "output", "text", textOrJSON, oneOf(textOrJSON))
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
	Variables   []setting           `json:"variables"` // TAPSWEEP_…
	Exit        int                 `json:"exit"`
}

func (c *checkup) note(step, result, detail string, hints ...string) {
	// What sends to the check, or to a run, is no help here.
	hints = slices.DeleteFunc(slices.Clone(hints), func(h string) bool { return h == hintCheck || h == status.HintResume })
	c.Steps = append(c.Steps, finding{step, result, detail, hints})
}

// checkPatience bounds the whole check, beside what a person takes to sign in.
// Somebody waits for it.
const checkPatience = 2 * time.Minute

// checkStall is how long Graph may refuse everything before the check reports it. A run waits
// longer, because the problem may be temporary.
const checkStall = 10 * time.Second

func (a *app) check(ctx context.Context, f *checkFlags) error {
	if f.user != "" && !strings.EqualFold(f.user, input.Me) {
		if err := input.CheckUser(f.user); err != nil {
			return status.Refuse(fmt.Errorf("--user: %w", err))
		}
	}
	logger := a.logger(f.logLevel, f.logForm)
	way, err := a.prepare(&f.connect)
	if err != nil && way == nil {
		return err
	}
	c := &checkup{Graph: way.endpoint.Root, Cloud: "other", Kind: preflight.Unknown, Permissions: []string{}, Commands: []preflight.Verdict{}}
	if way.endpoint.Cloud != nil {
		c.Cloud = way.endpoint.Cloud.Name
	}
	var tenant *tenant
	if err == nil {
		tenant, err = a.checkTenant(ctx, c, way, f.user, logger)
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if err != nil {
		failed, ok := errors.AsType[*status.Error](err)
		if !ok || failed.Code == status.Usage {
			return err
		}
		c.note("token", "failed", failed.Err.Error(), failed.Hints...)
		c.Exit = status.NoAccess
	}
	c.Variables = append([]setting{}, a.settings...)
	if err := a.printCheckup(c, f.output, tenant); err != nil {
		return err
	}
	if c.Exit != status.Done {
		return &status.Error{Code: c.Exit}
	}
	return nil
}

// checkTenant goes to the tenant and notes what it is like. An error is about the
// token.
func (a *app) checkTenant(ctx context.Context, c *checkup, way *connection, user string, logger *slog.Logger) (*tenant, error) {
	patience := checkPatience
	if way.credential.Interactive() {
		patience += personPatience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	seen := &witness{next: graph.NewTransport(nil)}
	start := time.Now()
	tenant, err := way.dial(ctx, seen)
	if err != nil {
		return nil, err
	}
	defer tenant.close()
	elsewhere := c.token(tenant, time.Since(start))
	if elsewhere {
		// The token is nothing for this host to have.
		c.note("read", "skipped", "the token is not sent where it does not belong")
	} else {
		runner, err := batch.NewRunner(tenant.client, batch.Options{MaxAttempts: 2, RequestTimeout: 30 * time.Second,
			MaxWait: checkPatience, StallTimeout: checkStall, Reauthorize: tenant.client.Reauthorize, Logger: logger})
		if err != nil {
			return nil, status.Refuse(err)
		}
		c.read(ctx, runner, tenant, user)
	}
	c.wire(seen)
	return tenant, nil
}

// token notes what the access token tells, and whether it is for somewhere else.
func (c *checkup) token(t *tenant, took time.Duration) (elsewhere bool) {
	tok := t.token
	c.Tenant, c.SignedInAs, c.Kind, c.Commands = t.id, tok.Who, tok.Kind, tok.Verdicts()
	c.Permissions = append(c.Permissions, tok.Permissions...)
	detail := fmt.Sprintf("by %s in %s", t.method, took.Round(10*time.Millisecond))
	if !tok.Expires.IsZero() {
		detail += ", ends at " + tok.Expires.UTC().Format(time.RFC3339)
	}
	c.note("token", "ok", detail)
	problem := t.elsewhere
	if problem == nil {
		problem = tok.Misplaced(t.wanted)
	}
	if problem != nil {
		for i := range c.Commands {
			c.Commands[i].Works = preflight.No
		}
		c.note("claims", "failed", problem.Text, problem.Hints...)
		c.Exit = status.NoAccess
		return true
	}
	task := preflight.Task{Others: true}
	problem = tok.Check(task, t.wanted)
	if problem != nil && tok.Kind == preflight.User && tok.Check(preflight.Task{Own: true}, t.wanted) == nil {
		// Good for --self, which is something, and not for a list.
		c.note("claims", "failed", problem.Text, problem.Hints...)
		c.Exit = status.Incomplete
		return false
	}
	switch warnings := tok.Warnings(task); {
	case problem != nil:
		c.note("claims", "failed", problem.Text, problem.Hints...)
		c.Exit = status.NoAccess
	case len(warnings) > 0:
		c.note("claims", "warning", strings.Join(warnings, "; "))
	default:
		c.note("claims", "ok", tok.Deeds())
	}
	return false
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
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Step, s.Result, strings.ReplaceAll(a.visible(s.Detail), "\n", "; "))
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
	printSettings(&b, c.Variables)
	for _, s := range c.Steps {
		for _, h := range s.Hints {
			fmt.Fprintf(&b, "hint: %s\n", a.visible(h))
		}
	}
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

// Package checkup tests a sign-in, and finds out what it allows.
package checkup

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/tenant"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// A Finding is one step of the check.
type Finding struct {
	Step   string   `json:"step"`
	Result string   `json:"result"` // ok, warning, failed, skipped
	Detail string   `json:"detail"`
	Hints  []string `json:"hints,omitempty"`
}

// A Checkup is the result of the check, in the form of the JSON output.
type Checkup struct {
	Tenant      string                 `json:"tenant"`
	Domain      string                 `json:"tenantDomain,omitempty"`
	Cloud       string                 `json:"cloud"`
	Graph       string                 `json:"graph"`
	SignedInAs  string                 `json:"signedInAs"`
	Kind        token.Holder           `json:"kind"`
	Permissions []string               `json:"permissions"`
	Steps       []Finding              `json:"steps"`
	Commands    []token.CommandVerdict `json:"commands"`
	Passes      []scan.Line            `json:"passes,omitempty"` // the passes of the user in Options.User
	Variables   []Variable             `json:"variables"`        // TAPSWEEP_…
	Exit        int                    `json:"exit"`
}

func (c *Checkup) note(step, result, detail string, hints ...string) {
	// Hints that point to check or to --resume do not help inside check.
	hints = slices.DeleteFunc(slices.Clone(hints), func(h string) bool {
		return h == status.HintCheck || h == status.HintResume
	})
	c.Steps = append(c.Steps, Finding{step, result, detail, hints})
}

// checkPatience limits the whole check, because a person waits for it. It does not include the time that a person
// needs to sign in.
const checkPatience = 2 * time.Minute

// checkStall is how long Graph may refuse everything before the check reports it. A run waits
// longer, because the problem may be temporary.
const checkStall = 10 * time.Second

// Options are the options of the check.
type Options struct {
	Target       *tenant.Target
	NoCredential error  // why the target has no credential, nil if it has one
	User         string // list the passes of this user; "me" is the signed-in user; empty: one who does not exist
	JSON         bool   // print JSON instead of text
	Logger       *slog.Logger
	Variables    []Variable
}

// A Variable is an environment variable that sets a flag.
type Variable struct {
	Variable string   `json:"variable"`
	Value    string   `json:"value"`    // safe to show; no flag takes a secret
	Commands []string `json:"commands"` // the commands that have the flag
}

// Run checks the sign-in and prints the result.
func Run(ctx context.Context, c *console.Console, o Options) error {
	if o.User != "" && !strings.EqualFold(o.User, input.Me) {
		if err := input.CheckUser(o.User); err != nil {
			return status.Refuse(fmt.Errorf("--user: %w", err))
		}
	}
	found := &Checkup{Graph: o.Target.Root(), Cloud: o.Target.Cloud(), Kind: token.Unknown, Permissions: []string{},
		Commands: []token.CommandVerdict{}, Variables: append([]Variable{}, o.Variables...)}
	var t *tenant.Tenant
	err := o.NoCredential
	if err == nil {
		t, err = found.tenant(ctx, &o)
	}
	if ctx.Err() != nil {
		return status.Interrupted(ctx)
	}
	if err != nil {
		failed := status.Of(err)
		if failed.Code == status.Usage {
			return err
		}
		found.note("token", "failed", format.Error(failed.Err), failed.Hints...)
		found.Exit = failed.Code
	}
	if err := found.print(c, &o, t); err != nil {
		return err
	}
	if found.Exit != status.Done {
		return &status.Error{Code: found.Exit}
	}
	return nil
}

// tenant connects to the tenant and adds findings about it. An error is about the token.
func (c *Checkup) tenant(ctx context.Context, o *Options) (*tenant.Tenant, error) {
	patience := checkPatience
	if o.Target.Interactive() {
		patience += o.Target.SignInTime()
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v", patience))
	defer cancel()
	seen := &witness{next: o.Target.Transport()}
	start := time.Now()
	t, err := o.Target.ConnectToAny(ctx, seen)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	if c.token(t, time.Since(start)) {
		// The token must not be sent to this host.
		c.note("passes", "skipped", "the token is of another tenant or for another service, so it was not sent")
	} else {
		runner, err := batch.NewRunner(t.Client, batch.Options{MaxAttempts: 2, RequestTimeout: 30 * time.Second,
			MaxWait: checkPatience, StallTimeout: checkStall, Reauthorize: t.Client.Reauthorize, Logger: o.Logger})
		if err != nil {
			return nil, status.Refuse(err)
		}
		c.read(ctx, runner, t, o.User)
		t.LearnDomain(ctx, runner)
		c.Domain = t.Domain
	}
	c.wire(seen)
	return t, nil
}

// token adds findings about the access token. It reports whether the token is for another tenant or host.
func (c *Checkup) token(t *tenant.Tenant, took time.Duration) (wrongTarget bool) {
	tok := t.Token
	c.Tenant, c.SignedInAs, c.Kind = t.ID, tok.Who, tok.Kind
	c.Commands = slices.DeleteFunc(tok.Verdicts(), func(v token.CommandVerdict) bool {
		return v.UserOnly && c.Kind == token.App
	})
	c.Permissions = append(c.Permissions, tok.Permissions...)
	detail := fmt.Sprintf("received with --auth %s in %s", t.Method, took.Round(10*time.Millisecond))
	if !tok.Expires.IsZero() {
		detail += ", expires at " + tok.Expires.UTC().Format(time.RFC3339)
	}
	c.note("token", "ok", detail)
	if problem := t.WrongTarget(); problem != nil {
		for i := range c.Commands {
			c.Commands[i].Works = token.No
		}
		c.note("permissions", "failed", problem.Text, problem.Hints...)
		c.Exit = status.NoAccess
		return true
	}
	task := token.Task{Others: true}
	reading := token.Task{Others: true, ReadOnly: true}
	if t.Lacks(task) != nil && t.Lacks(reading) == nil {
		task = reading // verify and scan work, and an app that verifies must not be able to delete
	}
	switch problem, warnings := t.Lacks(task), tok.Warnings(task); {
	case problem != nil:
		c.note("permissions", "failed", problem.Text, problem.Hints...)
		c.Exit = status.NoAccess
		if tok.Kind == token.User && t.Lacks(token.Task{Own: true}) == nil {
			c.Exit = status.Incomplete // the token allows --self, but no list
		}
	case len(warnings) > 0:
		c.note("permissions", "warning", strings.Join(warnings, "; "))
	default:
		c.note("permissions", "ok", tok.Capabilities())
	}
	return false
}

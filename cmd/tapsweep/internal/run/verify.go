package run

import (
	"context"
	"fmt"
	"strings"

	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// VerifyOptions are the options of Verify.
type VerifyOptions struct {
	Options

	Logs []string
}

// Verify lists the passes of every user in results logs.
func Verify(ctx context.Context, c *console.Console, o *VerifyOptions) error {
	held, err := results.ReadUsers(o.Logs...)
	if err != nil {
		return status.Of(err)
	}
	warn(c, "", held.Warnings)
	if log := held.DeletesNothing(); log != "" {
		return status.Refuse(fmt.Errorf("%s is the log of a scan or of a dry run, which deletes nothing", log),
			"to delete these passes, use the log as a list of tapsweep revoke; then verify the log of that run")
	}
	if len(held.Users) == 0 {
		none := "no user to check in " + strings.Join(o.Logs, ", ")
		if held.Invalid > 0 {
			return status.Refuse(fmt.Errorf("%s: %s invalid", none,
				format.Plural(held.Invalid, "row was", "rows were")))
		}
		c.Say("%s; nothing to do", none)
		return nil
	}
	o.Guards.AbortAfter = abortAfter
	o.Header.Digest, o.Header.Pairs, o.Header.DeletedBy = held.Digest(), len(held.Users), held.Operators()
	o.Header.Protect = held.ProtectFlags() // for the command that revokes what remains
	return execute(ctx, c, &o.Options, plan{
		verifyOnly: true,

		lists: o.Logs,
		logs:  held.Runs,
		task:  token.Task{ReadOnly: true, Others: true, SessionProof: held.HasSessions()},
		quiet: o.Quiet,
		work:  func(r *run, ctx context.Context) error { return r.verify(ctx, held) },
	})
}

func (r *run) verify(ctx context.Context, held *results.Lists) error {
	r.verifiedLogs = r.lists
	r.show(progress.Options{Total: len(held.Users) - r.earlier.Len, Phase: "verifying", Noun: "users",
		ReadOnly: true})
	return r.job.Run(ctx, func(yield func(revoke.Item, error) bool) {
		for _, u := range held.Users {
			pair := input.Pair{Source: u.Source, Line: u.Line, User: u.User, UPN: u.UPN, Method: u.Method,
				Creation: u.Creation}
			item := revoke.Item{Pair: pair, Before: u.Outcome}
			if !r.earlier.SessionsCompleted(u.User) {
				item.Sessions = u.Sessions
			}
			if !yield(item, nil) {
				return
			}
		}
	})
}

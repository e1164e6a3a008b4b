// Package status has the exit codes of tapsweep, and a table that maps each error to its exit code and to hints on what
// to do next.
package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// Exit codes. Scripts and scheduled jobs rely on them, and the page results of the manual lists them. None is 2,
// because the Go runtime exits with 2 after a crash, when passes may have been deleted.
const (
	Done       = 0  // every pair is revoked, absent or a duplicate, or its user is protected
	Incomplete = 1  // some pairs are not done
	NoAccess   = 3  // no token, or a token that Graph does not accept
	Stopped    = 4  // stopped early; can be resumed
	Usage      = 64 // wrong usage, invalid input or a guard: nothing was deleted (EX_USAGE in sysexits.h)
)

// An Error ends the command with a code.
type Error struct {
	Code  int
	Err   error    // nil if there is nothing to print
	Hints []string // what to do next, one line each
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Refuse returns an error that ends the command with Usage.
func Refuse(err error, hints ...string) error {
	return &Error{Code: Usage, Err: err, Hints: hints}
}

// RefuseFile is Refuse for a file that cannot be created or read. If the disk is full, the command ends with Stopped,
// as it does if the disk becomes full later.
func RefuseFile(err error, hints ...string) error {
	known := Of(err)
	code := Usage
	if known.Code == Stopped {
		code = Stopped
	}
	return &Error{Code: code, Err: err, Hints: append(hints, known.Hints...)}
}

// Interrupted returns the error of a command that a signal or the deadline ended before anything
// was sent.
func Interrupted(ctx context.Context) error {
	return &Error{Code: Stopped, Err: fmt.Errorf("%w, nothing was sent", context.Cause(ctx))}
}

// HintBound is the hint if --max-items is exceeded.
const HintBound = "raise the limit with --max-items, or remove it with --max-items 0"

// HintResume is the hint for a problem that a person must fix before the run can continue.
const HintResume = "when this is fixed, resume with --resume"

// HintCheck is the hint to use tapsweep check.
const HintCheck = "to test the access without changing anything, use tapsweep check"

type rule struct {
	matches func(error) bool
	code    int
	hints   func(error) []string // nil means none
}

// rules are in order: the first rule that matches an error counts.
var rules = []rule{
	{isBlockedAccess, NoAccess, say(hintBlocked, hintPolicy, hintRunAgain)},
	{is(batch.ErrBlocked), Stopped, say(hintBlocked, hintRunAgain)},
	{isDamagedToken, NoAccess, say(
		"the token is damaged or incomplete: get a new one, and copy or write all of it",
		HintResume)},
	{is(batch.ErrUnauthorized), NoAccess, say(
		"Graph refuses the token, also after tapsweep got one again: the app or user may be disabled, or a policy "+
			"may keep this machine out; with --token-file, write a new token to the file",
		HintResume)},
	{is(answer.ErrAllDenied), NoAccess, say(
		"the hint of each row in the results log says what a 403 can mean; tapsweep check --user USER tries one user",
		"if the first users are administrators, resume the run: it then tries further users; revoke and sweep also "+
			"have --abort-after 0, which tries all users")},
	{scan.IsHidden, NoAccess, sourceHints},
	{ofSource((*scan.SourceError).Denied), NoAccess, sourceHints},
	{ofSource((*scan.SourceError).Wrong), Usage, sourceHints},
	{as[*revoke.BoundError], Usage, say(HintBound)},
	{as[*protect.ResolveError], Usage, ownHints},
	{is(results.ErrInUse), Usage,
		say("wait until that run has ended, or interrupt it: it ends in order, and --resume resumes it")},
	{as[*results.TrustError], Usage, ownHints},
	{as[*fileout.ThereError], Usage, ownHints},
	{is(protect.ErrStopped), Stopped, nil},
	{is(batch.ErrUnreachable), Stopped, nil},
	{is(batch.ErrStalled), Stopped, nil},
	{is(batch.ErrMaxWait), Stopped, nil},
	{is(syscall.ENOSPC), Stopped, nil},
	{is(syscall.EPIPE), Stopped, nil},
}

// Of returns the exit code and the hints for an error. If no rule matches, the exit code is Usage.
func Of(err error) *Error {
	if exit, ok := errors.AsType[*Error](err); ok {
		return exit
	}
	exit := &Error{Code: Usage, Err: err}
	if i := ruleFor(err); i >= 0 {
		exit.Code = rules[i].code
		if hints := rules[i].hints; hints != nil {
			exit.Hints = hints(err)
		}
	}
	return exit
}

// Known reports whether a rule matches an error.
func Known(err error) bool { return ruleFor(err) >= 0 }

func ruleFor(err error) int {
	return slices.IndexFunc(rules, func(r rule) bool { return r.matches(err) })
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func ofSource(is func(*scan.SourceError) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*scan.SourceError](err)
		return ok && is(e)
	}
}

func say(hints ...string) func(error) []string {
	return func(error) []string { return hints }
}

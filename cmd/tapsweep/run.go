package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
)

// runOf is all that a run consists of.
type runOf struct {
	flags   *revokeFlags
	list    *input.List
	tenant  *tenant
	logger  *slog.Logger
	header  *results.Run
	runner  *batch.Runner
	keep    *protect.Users
	log     *results.Log
	earlier *results.Earlier // what runs before have settled, nil without --resume
}

// prepare makes the runner, and finds out who the protected users are, before
// anything is written anywhere.
func (r *runOf) prepare(ctx context.Context, keep *protect.List) (err error) {
	f := r.flags
	r.runner, err = batch.NewRunner(r.tenant.client, batch.Options{
		BatchSize:      f.batchSize,
		Concurrency:    f.concurrency,
		MaxAttempts:    f.maxAttempts,
		RequestTimeout: f.requestTimeout,
		MaxRate:        f.rate,
		MaxWait:        f.maxWait,
		StallTimeout:   f.stallTimeout,
		Headers:        f.headers(),
		Reauthorize:    r.tenant.client.Reauthorize,
		Logger:         r.logger,
	})
	if err != nil {
		return refuse(err)
	}
	r.keep, err = keep.Resolve(ctx, r.runner, r.list.Pairs())
	unknown, ok := errors.AsType[*protect.ResolveError](err)
	switch {
	case ctx.Err() != nil:
		return interrupted(ctx)
	case ok:
		return refuse(fmt.Errorf("--protect: %w\nnothing was sent to be written", err), unknown.Hints()...)
	case errors.Is(err, batch.ErrUnauthorized):
		return &exitError{code: exitAuth, err: err, hints: r.tenant.hints(err)}
	case err != nil:
		return refuse(fmt.Errorf("--protect: %w", err))
	}
	if r.list.Stats().Me > 0 && len(keep.Rows()) > 0 && len(r.tenant.token.Self) < 2 {
		return refuse(errors.New("--protect: the access token does not tell by both names who is signed in, "+
			"so whether the rows \"me\" are of a protected user is not known"), "name the user in place of \"me\"")
	}
	return nil
}

// protected tells whether a user of the list must not be touched.
func (r *runOf) protected(user string) bool {
	if user == input.Me {
		return slices.ContainsFunc(r.tenant.token.Self, r.keep.Has)
	}
	return r.keep.Has(user)
}

// open opens the log of an earlier run to go on with it.
func (r *runOf) open(path string, lists []string) (err error) {
	again := results.Outcome.Again
	if r.flags.resume == "unsent" {
		again = func(o results.Outcome) bool { return o == results.NotSent }
	}
	if r.log, r.earlier, err = results.Resume(path, r.header, again, nil); err != nil {
		return refuse(err, "name the same lists and the same tenant, or another --results file")
	}
	for _, source := range r.earlier.Sources() {
		if source != "stdin" && !slices.Contains(lists, source) {
			return errors.Join(refuse(fmt.Errorf("the log is of %s, which is not named", source),
				"name the lists as the run before did"), r.close())
		}
	}
	return nil
}

func (r *runOf) close() error {
	if r.log == nil {
		return nil
	}
	return r.log.Close()
}

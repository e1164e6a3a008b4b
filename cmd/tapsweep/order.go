package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/input"
	"tapsweep/internal/safetext"
)

// privileged asks who holds an admin role. Where that cannot be known the order of
// the list has to do, and that is said. An error ends the run.
func (r *runOf) privileged(ctx context.Context) (first func(user string) bool, err error) {
	admins, err := r.admins(ctx)
	switch {
	case err == nil:
		return admins.Has, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	r.say("--order privileged: who holds an admin role is not known, the order is that of the list: %s", safetext.Printable(err.Error()))
	return func(string) bool { return false }, nil
}

// orderPatience is how long the order may hold up the work.
const orderPatience = time.Minute

// admins reads the report with a runner of its own, which gives up soon: whatever is
// wrong with the report must not keep passes from being revoked.
func (r *runOf) admins(ctx context.Context) (scan.Privileged, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, orderPatience, fmt.Errorf("no report within %v", orderPatience))
	defer cancel()
	runner, err := batch.NewRunner(r.tenant.client, batch.Options{MaxAttempts: 2, Grace: -1, RequestTimeout: r.flags.requestTimeout,
		MaxWait: orderPatience, StallTimeout: orderPatience, Headers: r.flags.headers(), Logger: r.logger})
	if err != nil {
		return nil, err
	}
	return scan.Admins(ctx, runner, r.tenant.api)
}

// parts are the pairs of the list in the order in which they are worked off, one part
// after the other is done: users that come first before the others, where first is not
// nil; and where the list names users by object id and by user principal name, all of
// the one kind before the other, since two writes for one user under two names would
// get into each other's way.
func (r *runOf) parts(first func(user string) bool) (parts []revoke.Source) {
	kinds := []func(string) bool{func(string) bool { return true }}
	if r.list.Mixed() {
		byName := func(user string) bool { return strings.Contains(user, "@") }
		kinds = []func(string) bool{func(user string) bool { return !byName(user) }, byName}
	}
	turns := []bool{true, false}
	if first == nil {
		first, turns = func(string) bool { return true }, turns[:1]
	}
	for _, now := range turns {
		for _, kind := range kinds {
			parts = append(parts, only(r.list.Pairs(), func(user string) bool { return first(user) == now && kind(user) }))
		}
	}
	return parts
}

// only yields the pairs of some users.
func only(pairs revoke.Source, these func(user string) bool) revoke.Source {
	return func(yield func(input.Pair, error) bool) {
		for pair, err := range pairs {
			if err != nil {
				yield(pair, err)
				return
			}
			if these(pair.User) && !yield(pair, nil) {
				return
			}
		}
	}
}

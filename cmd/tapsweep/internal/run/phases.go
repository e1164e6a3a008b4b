package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/input"
)

// privileged asks who holds an admin role. If that cannot be known, the order stays that of the
// list, and a message says so. An error ends the run.
func (r *run) privileged(ctx context.Context) (isAdmin func(user string) bool, err error) {
	admins, err := r.admins(ctx)
	switch {
	case err == nil:
		return admins.Has, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	r.console.Say("--order privileged: who holds an admin role is not known, the order is that of the list: %s",
		safetext.Printable(err.Error()))
	return func(string) bool { return false }, nil
}

// orderPatience is how long the order may hold up the work.
const orderPatience = time.Minute

// admins reads the report with a runner of its own, which gives up soon: whatever is
// wrong with the report must not keep passes from being revoked.
func (r *run) admins(ctx context.Context) (scan.Privileged, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, orderPatience, fmt.Errorf("no report within %v", orderPatience))
	defer cancel()
	runner, err := batch.NewRunner(r.tenant.Client, batch.Options{MaxAttempts: 2, Grace: -1,
		RequestTimeout: r.opts.Batch.RequestTimeout,
		MaxWait:        orderPatience, StallTimeout: orderPatience, Headers: r.opts.headers(), Logger: r.opts.Logger})
	if err != nil {
		return nil, err
	}
	return scan.Admins(ctx, runner, r.tenant.API)
}

// phases splits the list into parts that are revoked one after the other: admins
// before the others, if isAdmin is not nil, and object ids before user principal names if the list
// has both, because two writes for one user under two names would conflict.
func (r *run) phases(isAdmin func(user string) bool) (phases []revoke.Source) {
	kinds := []func(string) bool{func(string) bool { return true }}
	if r.list.Mixed() {
		byName := func(user string) bool { return strings.Contains(user, "@") }
		kinds = []func(string) bool{func(user string) bool { return !byName(user) }, byName}
	}
	turns := []bool{true, false}
	if isAdmin == nil {
		isAdmin, turns = func(string) bool { return true }, turns[:1]
	}
	for _, now := range turns {
		for _, kind := range kinds {
			phases = append(phases, filterUsers(r.list.Pairs(),
				func(user string) bool { return isAdmin(user) == now && kind(user) }))
		}
	}
	return phases
}

// filterUsers yields the pairs of some users.
func filterUsers(pairs revoke.Source, these func(user string) bool) revoke.Source {
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

// rank is 0 for the passes of the users that come first, and 1 for the others.
func rank(first func(string) bool, f *scan.Found) int {
	if first(f.User) || f.UPN != "" && first(f.UPN) {
		return 0
	}
	return 1
}

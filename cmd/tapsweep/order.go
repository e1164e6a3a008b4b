package main

import (
	"context"
	"errors"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/input"
)

// privileged asks who holds an admin role. Where that cannot be known the order of
// the list has to do, and that is said. An error ends the run.
func (r *runOf) privileged(ctx context.Context) (first func(user string) bool, err error) {
	admins, err := scan.Admins(ctx, r.runner, r.tenant.api)
	switch {
	case err == nil:
		return admins.Has, nil
	case errors.Is(err, batch.ErrUnauthorized) || ctx.Err() != nil:
		return nil, err
	}
	r.say("--order privileged: who holds an admin role is not known, the order is that of the list: %s", batch.Printable(err.Error()))
	return func(string) bool { return false }, nil
}

// inOrder yields the pairs of some users before all others. The pairs are read
// twice.
func inOrder(pairs revoke.Source, first func(user string) bool) revoke.Source {
	return func(yield func(input.Pair, error) bool) {
		for _, now := range []bool{true, false} {
			for pair, err := range pairs {
				if err != nil {
					yield(pair, err)
					return
				}
				if first(pair.User) == now && !yield(pair, nil) {
					return
				}
			}
		}
	}
}

package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// abandonAfter is how long a command may take to end after the first signal before its work
// has begun. It is longer than what the command itself needs to say where it was.
const abandonAfter = 2 * time.Second

// The states of a command. Work that sends, serves or writes has to come to its end in good
// order. What comes before may hang: the opening of a named pipe, or a read from it, waits
// until another program pleases.
const (
	preparing int32 = iota
	working
	abandoned
)

// progressed is what is known of a command that runs on a goroutine of its own.
type progressed struct {
	state   atomic.Int32
	command atomic.Pointer[cobra.Command] // whose flags are read, nil before
}

// begin says that the work begins, from where on a signal does not end it by force. It is an
// error if the command was ended already.
func (a *app) begin(ctx context.Context) error {
	if a.state.CompareAndSwap(preparing, working) || a.state.Load() == working {
		return nil
	}
	return interrupted(ctx)
}

// execute runs the command of the command line. After a signal it leaves a command that is
// still preparing where it hangs.
func (a *app) execute(ctx context.Context, root *cobra.Command) (*cobra.Command, error) {
	type result struct {
		cmd *cobra.Command
		err error
	}
	done := make(chan result, 1)
	go func() {
		cmd, err := root.ExecuteContextC(ctx)
		done <- result{cmd, err}
	}()
	select {
	case r := <-done:
		return r.cmd, r.err
	case <-ctx.Done():
	}
	patience := time.NewTimer(abandonAfter)
	defer patience.Stop()
	select {
	case r := <-done:
		return r.cmd, r.err
	case <-patience.C:
	}
	if cmd := a.command.Load(); cmd != nil && a.state.CompareAndSwap(preparing, abandoned) {
		return cmd, interrupted(ctx)
	}
	r := <-done
	return r.cmd, r.err
}

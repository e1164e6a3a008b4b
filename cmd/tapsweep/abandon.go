package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// abandonAfter is how long a command whose work has not begun may take to end after the first
// signal. It is longer than the command needs to report where it was.
const abandonAfter = 2 * time.Second

// The states of a command. Work that sends, serves or writes must end in an orderly way. The
// preparation before it may hang, because opening or reading a named pipe waits for another
// program.
const (
	preparing int32 = iota
	working
	abandoned
)

// progressed is the state of a command that runs on its own goroutine.
type progressed struct {
	state   atomic.Int32
	command atomic.Pointer[cobra.Command] // the command whose flags are read, nil before that
}

// begin marks the start of the work. From then on a signal does not abandon the command. begin
// returns an error if the command was already abandoned.
func (a *app) begin(ctx context.Context) error {
	if a.state.CompareAndSwap(preparing, working) || a.state.Load() == working {
		return nil
	}
	return interrupted(ctx)
}

// execute runs the command of the command line. After a signal it abandons a command that
// hangs while it is still preparing.
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

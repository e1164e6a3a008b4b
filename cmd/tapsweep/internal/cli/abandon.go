package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/internal/status"
)

// abandonAfter is how long a command whose work has not begun may take to end after the first
// signal. It is longer than the command needs to report where it was.
const abandonAfter = 2 * time.Second

// execute runs the command of the command line. After a signal it abandons a command that
// hangs while it is still preparing.
func (p *program) execute(ctx context.Context, root *cobra.Command) (*cobra.Command, error) {
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
	if cmd := p.command.Load(); cmd != nil && p.console.Abandon() {
		return cmd, status.Interrupted(ctx)
	}
	r := <-done
	return r.cmd, r.err
}

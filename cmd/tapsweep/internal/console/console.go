// Package console has the streams that a command reads and writes: questions, messages, hints and progress.
package console

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/term"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/progress"
)

// A Console holds the streams of a command. Data goes to Out, and everything else to Err. A message is in lower case,
// without a full stop, after the name of the program. Hint lines say what to do next.
type Console struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Getenv returns an environment variable.
	Getenv func(name string) string

	// Args is the command line. Messages show the line breaks in its file names as escapes.
	Args []string

	display atomic.Pointer[progress.Display]
	state   atomic.Int32
}

// The states of a command. The preparation may hang, because opening or reading a named pipe waits for another program,
// so it can be abandoned. Work that sends, serves or writes must end in order.
const (
	preparing int32 = iota
	working
	abandoned
)

// Begin marks the start of the work. After that, a signal does not abandon the command. It returns false if the command
// is already abandoned.
func (c *Console) Begin() bool {
	return c.state.CompareAndSwap(preparing, working) || c.state.Load() == working
}

// Abandon abandons the command if its work has not begun, and reports whether it did.
func (c *Console) Abandon() bool { return c.state.CompareAndSwap(preparing, abandoned) }

// Say writes a message for people.
func (c *Console) Say(format string, args ...any) {
	text := strings.TrimRight(c.Visible(fmt.Sprintf(format, args...)), "\n")
	fmt.Fprintf(messages{c}, "tapsweep: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
}

// Hint writes what to do next.
func (c *Console) Hint(text string) { fmt.Fprintf(c.Err, "hint: %s\n", c.Visible(text)) }

// IsTerminal reports whether a stream (In, Out or Err) is a terminal.
func (c *Console) IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// CanAsk reports whether a person can answer a question: both In and Err are terminals.
func (c *Console) CanAsk() bool { return c.IsTerminal(c.In) && c.IsTerminal(c.Err) }

// Visible makes a message safe for a terminal. It keeps line breaks, except in arguments of the command line.
func (c *Console) Visible(text string) string {
	for _, arg := range c.Args {
		_, value, _ := strings.Cut(arg, "=")
		for _, name := range []string{arg, value} {
			if strings.Contains(name, "\n") && strings.TrimSpace(name) != "" {
				text = strings.ReplaceAll(text, name, safetext.Visible(name, ""))
			}
		}
	}
	return safetext.Visible(text, "\n\t")
}

// Logger returns a logger that writes messages of a level and above to Err, as text or as JSON.
func (c *Console) Logger(level slog.Level, json bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if json {
		return slog.New(slog.NewJSONHandler(messages{c}, opts))
	}
	return slog.New(slog.NewTextHandler(messages{c}, opts))
}

// Show begins to show progress on Err. It replaces the previous progress.
func (c *Console) Show(opts progress.Options) {
	c.Display().Stop()
	opts.Out = c.Err
	c.display.Store(progress.Start(opts))
}

// Display returns the progress that is shown. It is nil before the first Show.
func (c *Console) Display() *progress.Display { return c.display.Load() }

// messages writes messages and the log to Err. While there is a bar, they appear above it. Secrets that the process
// knows are masked.
type messages struct{ *Console }

func (m messages) Write(p []byte) (int, error) {
	var to io.Writer = m.Err
	if d := m.Display(); d != nil {
		to = d
	}
	if _, err := io.WriteString(to, safetext.Mask(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

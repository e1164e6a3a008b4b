// Package console is what a command reads from and writes to.
package console

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"tapsweep/batch/safetext"

	"golang.org/x/term"

	"tapsweep/cmd/tapsweep/internal/progress"
)

// A Console is where a command reads and writes. Data goes to Out, everything else to Err: in
// lower case, without a full stop, with the program's name in front. What to do next follows in
// hint lines.
type Console struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	// Getenv returns a variable of the environment.
	Getenv func(name string) string

	// Names are file names with line breaks or tabs, which messages show as escapes.
	Names []string

	// EndAtOnce makes the next signal end the process at once, and returns what to send for
	// that: "an interrupt", for example. It may be nil.
	EndAtOnce func() string

	display atomic.Pointer[progress.Display]
}

// Say writes a message for people.
func (c *Console) Say(format string, args ...any) {
	text := strings.TrimRight(c.Visible(fmt.Sprintf(format, args...)), "\n")
	fmt.Fprintf(messages{c}, "tapsweep: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
}

// Hint writes what to do next.
func (c *Console) Hint(text string) { fmt.Fprintf(c.Err, "hint: %s\n", c.Visible(text)) }

// IsTerminal reports whether In, Out or Err belongs to a person.
func (c *Console) IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// CanAsk reports whether a person can answer a question: both In and Err are terminals.
func (c *Console) CanAsk() bool { return c.IsTerminal(c.In) && c.IsTerminal(c.Err) }

// AddNames adds the texts with line breaks or tabs to Names, the longest first, because one may
// contain another. Of NAME=VALUE, the value is added as well.
func (c *Console) AddNames(texts ...string) {
	for _, text := range texts {
		_, value, _ := strings.Cut(text, "=")
		for _, name := range []string{text, value} {
			if strings.ContainsAny(name, "\n\t") && strings.TrimSpace(name) != "" {
				c.Names = append(c.Names, name)
			}
		}
	}
	slices.SortFunc(c.Names, func(x, y string) int { return len(y) - len(x) })
}

// Visible makes a message safe for a terminal. It keeps the line breaks of the message, but
// escapes those in Names.
func (c *Console) Visible(text string) string {
	for _, name := range c.Names {
		text = strings.ReplaceAll(text, name, safetext.Visible(name, ""))
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

// Show begins to show progress on Err, in place of what was shown before.
func (c *Console) Show(opts progress.Options) {
	c.Display().Stop()
	opts.Out = c.Err
	c.display.Store(progress.Start(opts))
}

// Display returns the progress that is shown. It is nil before the first Show.
func (c *Console) Display() *progress.Display { return c.display.Load() }

// messages is Err for messages and the log. They appear above the bar while there is one. It masks
// the secrets that the process knows.
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

package main

import (
	"io"
	"os"

	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/internal/safetext"
)

// startProgress shows how far a run is, and has messages and the log go through the
// display until it is stopped.
func (a *app) startProgress(f *runFlags, opts progress.Options) *progress.Display {
	opts.Mode, opts.Out = a.progressMode(f), a.stderr
	d := progress.Start(opts)
	a.display.Store(d)
	return d
}

// progressMode chooses the form. Without a terminal nothing is shown unless asked
// for: cron mails whatever is written.
func (a *app) progressMode(f *runFlags) progress.Mode {
	switch {
	case f.progress == "none" || f.progress == "auto" && !isTerminal(a.stderr):
		return progress.None
	case f.progress == "plain" || os.Getenv("TERM") == "dumb":
		return progress.Plain
	case f.results == "-" && isTerminal(a.stdout): // rows on the same terminal would be drawn over
		return progress.Plain
	default:
		return progress.Bar
	}
}

// messages is standard error for the log and for what is said meanwhile: above
// the bar while there is one. It masks the secrets that the process knows.
type messages struct{ *app }

func (m messages) Write(p []byte) (int, error) {
	var to io.Writer = m.stderr
	if d := m.display.Load(); d != nil {
		to = d
	}
	if _, err := io.WriteString(to, safetext.Mask(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Package progress shows the progress of a run: a bar on a terminal, or a line every ten seconds.
//
// A run reports its rows (Display.Row) and the answers of the tenant (Display.Observe). Neither call waits for a slow
// terminal.
package progress

import (
	"cmp"
	"io"
	"os"
	"sync"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A Mode is a form of progress.
type Mode int

// The modes.
const (
	None  Mode = iota
	Bar        // one line that is drawn again four times a second
	Plain      // a line of text every ten seconds
)

const (
	drawEvery = 250 * time.Millisecond
	lineEvery = 10 * time.Second
)

// Options of a Display.
type Options struct {
	Mode Mode

	// Out is standard error. It gets the progress, and the text that is written to the Display. Its errors are ignored,
	// because they could only be printed there.
	Out io.Writer

	Total int    // the number of passes or users to come, zero if it is not known
	Phase string // what the run does, such as "revoking"
	Noun  string // what is counted, "passes" if empty

	ReadOnly bool // the run deletes nothing, so it did not revoke the rows that are "revoked"
}

// A Display shows the progress of one run. Its methods may be called from any goroutine, and on nil.
type Display struct {
	opts Options
	stop sync.Once
	quit chan struct{} // closed by Stop
	wg   sync.WaitGroup

	mu    sync.Mutex // never held during a write
	meter counter

	writing sync.Mutex // held during each write to Out
	hasBar  bool       // false after Stop
	width   func() int // the columns of the terminal
	text    []byte     // the text for above the bar; the next draw prints its complete lines
	drawn   int        // the width of the line that the last draw printed, zero before the first
}

// Start shows progress until Stop is called.
func Start(opts Options) *Display {
	return start(opts, func() int { return terminalWidth(opts.Out) })
}

func start(opts Options, width func() int) *Display {
	opts.Noun = cmp.Or(opts.Noun, "passes")
	d := &Display{opts: opts, quit: make(chan struct{}), meter: newMeter(time.Now(), opts), width: width,
		hasBar: opts.Mode == Bar}
	switch opts.Mode {
	case Bar:
		if f, isFile := opts.Out.(*os.File); isFile {
			enableEscapes(f)
		}
		d.wg.Go(func() { d.loop(drawEvery, d.draw) })
	case Plain:
		d.wg.Go(func() { d.loop(lineEvery, d.print) })
	}
	return d
}

func (d *Display) loop(every time.Duration, show func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-tick.C:
			show()
		}
	}
}

func (d *Display) print() {
	var sentence string
	d.update(func(m *counter) { sentence = m.sentence(time.Now()) })
	d.writing.Lock()
	defer d.writing.Unlock()
	_, _ = io.WriteString(d.opts.Out, sentence)
}

func (d *Display) update(change func(*counter)) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.meter)
}

// Row counts a row of the results log.
func (d *Display) Row(r *results.Row) { d.update(func(m *counter) { m.row(r) }) }

// Passed counts a user without a row, such as one whose passes the scan does not look for.
func (d *Display) Passed() { d.update(func(m *counter) { m.done++ }) }

// SetTotal sets Options.Total when it is known.
func (d *Display) SetTotal(n int) { d.update(func(m *counter) { m.Total = n }) }

// Observe counts accepted and refused requests. closedUntil is when the gate of their quota opens, zero if it is open.
// outage is when the connection was lost, zero if there is one.
func (d *Display) Observe(accepted, refused int, quota string, closedUntil, outage time.Time) {
	d.update(func(m *counter) {
		m.accepted, m.refused = m.accepted+accepted, m.refused+refused
		m.closed[quota], m.outage = closedUntil, outage
	})
}

// Write writes text to Out. While there is a bar, complete lines appear above it at the next draw.
func (d *Display) Write(p []byte) (int, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if !d.hasBar {
		return d.opts.Out.Write(p)
	}
	d.text = append(d.text, p...)
	return len(p), nil
}

// Stop ends the display. It draws the bar for the last time. After that, text is written directly to Out. Stop may be
// called again.
func (d *Display) Stop() {
	if d == nil {
		return
	}
	d.stop.Do(func() {
		close(d.quit)
		d.wg.Wait()
		if d.opts.Mode != Bar {
			return
		}
		d.update(func(m *counter) { m.ended = true })
		d.draw()
		d.writing.Lock()
		defer d.writing.Unlock()
		_, _ = d.opts.Out.Write(d.text) // a line without an end
		d.hasBar = false
	})
}

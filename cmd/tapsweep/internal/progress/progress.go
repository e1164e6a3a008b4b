// Package progress shows how far a run is: a bar on a terminal, or a line every ten
// seconds elsewhere.
//
// A run reports rows (Display.Row) and what the tenant answered (Display.Observe).
// Neither waits for a slow terminal.
package progress

import (
	"io"
	"sync"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A Mode is a form of progress.
type Mode int

// The modes.
const (
	None  Mode = iota
	Bar        // one line that is drawn anew four times a second
	Plain      // a line of text every ten seconds
)

const (
	drawEvery = 250 * time.Millisecond
	tickEvery = time.Second // without a bar
	lineEvery = 10 * time.Second
)

// Options of a Display.
type Options struct {
	Mode Mode

	// Out is where progress goes, and what is written to the Display: standard
	// error. Its errors are ignored, as there is nobody to tell.
	Out io.Writer

	// Total is the number of rows to come, zero while that is not known.
	Total int

	// Phase is what the run begins with, as "revoking".
	Phase string

	// Verb is what has become of a row that went well, "revoked" if empty.
	Verb string

	// Good are the outcomes of rows that went well, apart from those that were absent.
	// None means revoked, planned and found.
	Good []results.Outcome

	// Noun is what is counted, "rows" if empty.
	Noun string

	// Size tells columns and lines of the terminal and is asked before each draw.
	// Nil means that Out is asked.
	Size func() (width, height int, err error)
}

// A Display shows the progress of one run. Its methods may be called from any
// goroutine.
type Display struct {
	opts Options
	quit chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex // never held while anything is written
	meter meter

	writing sync.Mutex // held by who writes to Out
	bar     *bar       // nil without a bar, and once it is stopped
	partial []byte     // text for above the bar whose line has not ended
	stopped bool
}

// Start shows progress until Stop is called.
func Start(opts Options) *Display {
	if opts.Verb == "" {
		opts.Verb = string(results.Revoked)
	}
	if opts.Noun == "" {
		opts.Noun = "rows"
	}
	d := &Display{opts: opts, quit: make(chan struct{})}
	d.meter = newMeter(time.Now(), opts)
	switch opts.Mode {
	case Bar:
		d.bar = newBar(opts.Out, opts.Size)
		d.wg.Go(func() { d.loop(drawEvery, d.draw) })
	case Plain:
		d.wg.Go(func() { d.loop(tickEvery, d.every(lineEvery, d.plain)) })
	}
	return d
}

func (d *Display) loop(every time.Duration, show func(view)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-tick.C:
			show(d.look())
		}
	}
}

// every passes a view on that often; the others only feed the rate.
func (d *Display) every(period time.Duration, show func(view)) func(view) {
	next := time.Now().Add(period)
	return func(v view) {
		if now := time.Now(); !now.Before(next) {
			next = now.Add(period)
			show(v)
		}
	}
}

func (d *Display) look() view {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.meter.look(time.Now())
}

// Row counts a row that is settled.
func (d *Display) Row(o results.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.row(o)
}

// Pending counts a row that is to be verified, and Verified the one that follows it.
func (d *Display) Pending(o results.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.count(o, 1)
	d.meter.verifying++
}

// Verified counts the row that follows one that was pending as was, in its place: a
// pass that remains was not revoked.
func (d *Display) Verified(was, o results.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.verifying--
	d.meter.done++
	d.meter.count(was, -1)
	d.meter.count(o, 1)
}

// Passed counts something that was looked at and needs no row.
func (d *Display) Passed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.done++
}

// Observe counts what a batch brought: how many of its requests the tenant took
// and refused, and until when the gate of their quota is closed, zero if it is
// open.
func (d *Display) Observe(accepted, refused int, quota string, closedUntil time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.observe(time.Now(), accepted, refused, quota, closedUntil)
}

// Outage says since when there has been no connection, and when the next try comes;
// zero times are for when there is one.
func (d *Display) Outage(since, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.outage, d.meter.next = since, next
}

// SetTotal says how many rows there are, for runs that learn it meanwhile.
func (d *Display) SetTotal(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.total = n
}

// Phase says what the run does now, as "verifying".
func (d *Display) Phase(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meter.phase = name
}

// Write writes text to Out. While there is a bar, whole lines appear above it when it is
// drawn again.
func (d *Display) Write(p []byte) (int, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.bar == nil {
		return d.opts.Out.Write(p)
	}
	d.partial = append(d.partial, p...)
	d.partial = d.bar.above(d.partial)
	return len(p), nil
}

func (d *Display) draw(v view) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.bar != nil {
		d.bar.draw(v)
	}
}

// print writes a line of progress.
func (d *Display) print(line []byte) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if !d.stopped {
		d.opts.Out.Write(line)
	}
}

// Stop ends the display. The bar stays as it is at the end; nothing is drawn
// afterwards, and what is written goes straight to Out. Stop may be called again.
func (d *Display) Stop() {
	d.writing.Lock()
	first := !d.stopped
	d.stopped = true
	d.writing.Unlock()
	if !first {
		return
	}
	close(d.quit)
	d.wg.Wait()
	if d.opts.Mode != Bar {
		return
	}
	last := d.look()
	last.over = true
	d.writing.Lock()
	defer d.writing.Unlock()
	if len(d.partial) > 0 {
		d.bar.above(append(d.partial, '\n'))
	}
	d.bar.draw(last)
	d.bar = nil
}

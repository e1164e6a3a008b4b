// Package progress shows how far a run is: a bar on a terminal, or a line every ten seconds
// elsewhere.
//
// A run reports its rows (Display.Row) and the tenant's answers (Display.Observe). Neither call
// waits for a slow terminal.
package progress

import (
	"cmp"
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
	Bar        // one line that is drawn again four times a second
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

	// Out is standard error. It gets the progress, and what is written to the Display. Its errors
	// are ignored, because there is nobody to report them to.
	Out io.Writer

	// Total is the number of rows to come, zero if it is not known.
	Total int

	// Phase is what the run does, "revoking" for example. Only a bar shows it.
	Phase string

	// Verb says what happened to the rows that went well, "revoked" if empty.
	Verb string

	// Good are the outcomes of rows that went well, apart from absent. None means revoked, planned
	// and found.
	Good []results.Outcome

	// Noun is what is counted, "rows" if empty.
	Noun string

	// Size returns the columns and lines of the terminal. It is called before each draw. Nil asks
	// Out.
	Size func() (width, height int, err error)
}

// A Display shows the progress of one run. Its methods may be called from any goroutine.
type Display struct {
	opts Options
	stop sync.Once
	quit chan struct{} // closed by Stop
	wg   sync.WaitGroup

	mu    sync.Mutex // never held during a write
	meter meter

	writing sync.Mutex // held during each write to Out
	bar     *bar       // nil without a bar, and after Stop
	partial []byte     // text for above the bar whose line has not ended
}

// Start shows progress until Stop is called.
func Start(opts Options) *Display {
	opts.Verb, opts.Noun = cmp.Or(opts.Verb, string(results.Revoked)), cmp.Or(opts.Noun, "rows")
	d := &Display{opts: opts, quit: make(chan struct{}), meter: newMeter(time.Now(), opts)}
	switch opts.Mode {
	case Bar:
		d.bar = newBar(opts.Out, opts.Size)
		d.wg.Go(func() { d.loop(drawEvery, d.draw) })
	case Plain:
		d.wg.Go(func() { d.loop(tickEvery, d.printer()) })
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
			show(d.view())
		}
	}
}

// printer returns a function that prints a line every lineEvery. The other views only feed the
// rate.
func (d *Display) printer() func(view) {
	next := time.Now().Add(lineEvery)
	return func(v view) {
		now := time.Now()
		if now.Before(next) {
			return
		}
		next = now.Add(lineEvery)
		d.writing.Lock()
		defer d.writing.Unlock()
		_, _ = io.WriteString(d.opts.Out, "tapsweep: "+v.sentence()+"\n")
	}
}

func (d *Display) view() (v view) {
	d.update(func(m *meter) { v = m.view(time.Now()) })
	return v
}

func (d *Display) update(change func(*meter)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.meter)
}

// Row counts a row that is settled.
func (d *Display) Row(o results.Outcome) { d.update(func(m *meter) { m.row(o) }) }

// Pending counts a row that will be verified. Verified counts the row that supersedes it.
func (d *Display) Pending(o results.Outcome) {
	d.update(func(m *meter) {
		m.count(o, 1)
		m.verifying++
	})
}

// Verified replaces a pending row, whose outcome was was, by its final row with outcome o. So a pass
// that remains no longer counts as revoked.
func (d *Display) Verified(was, o results.Outcome) {
	d.update(func(m *meter) {
		m.verifying--
		m.done++
		m.count(was, -1)
		m.count(o, 1)
	})
}

// Sessions counts a user whose sessions are dealt with. They count apart from the rows.
func (d *Display) Sessions(o results.Outcome) {
	d.update(func(m *meter) {
		if o == results.Revoked || o == results.Planned {
			m.sessions++
		}
	})
}

// Passed counts something that needs no row, such as a user without a find.
func (d *Display) Passed() { d.update(func(m *meter) { m.done++ }) }

// SetTotal sets Options.Total, once it is known.
func (d *Display) SetTotal(n int) { d.update(func(m *meter) { m.Total = n }) }

// Observe counts how many requests of a batch the tenant accepted and refused. closedUntil is when
// the gate of their quota opens, zero if it is open.
func (d *Display) Observe(accepted, refused int, quota string, closedUntil time.Time) {
	d.update(func(m *meter) { m.observe(time.Now(), accepted, refused, quota, closedUntil) })
}

// Outage says since when there has been no connection, and when the next try comes. Both are zero
// if there is a connection.
func (d *Display) Outage(since, next time.Time) {
	d.update(func(m *meter) { m.outage, m.next = since, next })
}

// Write writes text to Out. While there is a bar, whole lines appear above it at the next draw.
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
	d.bar.draw(v)
}

// Stop ends the display. The bar stays as it is at the end. Nothing is drawn after that, and text
// goes straight to Out. Stop may be called again, and on nil.
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
		last := d.view()
		last.ended = true
		d.writing.Lock()
		defer d.writing.Unlock()
		if len(d.partial) > 0 {
			d.bar.above(append(d.partial, '\n'))
		}
		d.bar.draw(last)
		d.bar = nil
	})
}

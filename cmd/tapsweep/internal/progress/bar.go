package progress

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A bar keeps one line at the bottom of a terminal.
//
// mpb draws it when told to, in one write that takes what was drawn before away,
// puts the text for above it there, and the new line below. Between two draws the
// cursor is at the start of the next line and visible, so a process that is killed
// leaves nothing to be mended.
type bar struct {
	container *mpb.Progress
	refresh   chan any
	gone      chan any
	screen    *screen
	filler    mpb.BarFiller
	view      atomic.Pointer[view] // of the next draw
}

func newBar(out io.Writer, size func() (width, height int, err error)) *bar {
	b := &bar{refresh: make(chan any), gone: make(chan any), screen: newScreen(out, size), filler: mpb.BarStyle().Build()}
	b.container = mpb.New(mpb.WithConsoleWriter(b.screen), mpb.WithManualRefresh(b.refresh), mpb.WithShutdownNotifier(b.gone))
	// The total is ours: a bar of mpb ends when it is reached, and ours when it is
	// stopped.
	b.view.Store(new(view))
	_, _ = b.container.Add(0, mpb.BarFillerFunc(b.fill), mpb.BarFillerTrim())
	return b
}

// fill is called by mpb for each draw.
func (b *bar) fill(w io.Writer, stat decor.Statistics) error {
	v := b.view.Load()
	line := v.line(stat.AvailableWidth, func(width int) string {
		var text bytes.Buffer
		_ = b.filler.Fill(&text, decor.Statistics{AvailableWidth: width, RequestedWidth: width,
			Total: int64(v.total), Current: int64(min(v.done, v.total)), Completed: v.done >= v.total})
		return text.String()
	})
	b.screen.drawn = utf8.RuneCountInString(line)
	_, err := io.WriteString(w, line)
	return err
}

func (b *bar) draw(v view) {
	b.view.Store(&v)
	select {
	case b.refresh <- time.Time{}:
	case <-b.gone:
	}
}

// above takes the whole lines of text, to be shown with the next draw, and returns
// what is left.
func (b *bar) above(text []byte) []byte {
	end := bytes.LastIndexByte(text, '\n') + 1
	if end > 0 {
		_, _ = b.container.Write(text[:end])
	}
	return text[end:]
}

// stop draws once more and ends. mpb, which takes orders one by one, is done with
// the draw before it learns of the end.
func (b *bar) stop(v view) {
	b.draw(v)
	b.container.Shutdown()
}

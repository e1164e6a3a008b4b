package results

import (
	"errors"
	"io"
	"time"
)

// lastWrite is how long a write may take once the run is to end. It is shorter than the 10 s for
// which the run waits for batches in flight.
const lastWrite = 5 * time.Second

// ErrNotRead says that the program that reads a pipe has stopped reading.
var ErrNotRead = errors.New("its reader has stopped reading")

// Patient writes to a pipe or a terminal, whose reader decides how long a write takes. Until
// Hurry is closed, that may be any time. From then on a write that takes longer than 5 s returns
// ErrNotRead, and W must not be used again. Only one goroutine may write at a time.
type Patient struct {
	W     io.Writer
	Hurry <-chan struct{}
}

func (p *Patient) Write(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := p.W.Write(b)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-p.Hurry:
	}
	select {
	case r := <-done:
		return r.n, r.err
	case <-time.After(lastWrite):
		return 0, ErrNotRead
	}
}

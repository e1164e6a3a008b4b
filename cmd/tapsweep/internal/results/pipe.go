package results

import (
	"errors"
	"io"
	"time"
)

// lastWrite is how long a write may take after the run was told to end. It is shorter than the 10 s for which
// the run waits for batches in flight.
const lastWrite = 5 * time.Second

// A patientWriter writes to a pipe or a terminal, whose reader decides how long a write takes. Until hurry is
// closed, a write may take any time. After that, a write that takes longer than 5 s fails, and w must not be used
// again.
type patientWriter struct {
	w     io.Writer
	hurry <-chan struct{}
}

func (p *patientWriter) Write(b []byte) (int, error) {
	n, err, done := 0, error(nil), make(chan struct{})
	go func() {
		defer close(done)
		n, err = p.w.Write(b)
	}()
	select {
	case <-done:
		return n, err
	case <-p.hurry:
	}
	select {
	case <-done:
		return n, err
	case <-time.After(lastWrite):
		return 0, errors.New("its reader has stopped reading")
	}
}

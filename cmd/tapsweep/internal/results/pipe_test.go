package results

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/testdata/assert"
)

// A reader that has stopped reading holds a run up for any time, but not its end.
func TestReaderThatStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		hurry := make(chan struct{})
		start := time.Now()
		time.AfterFunc(time.Hour, func() { close(hurry) })
		if _, err := (&patientWriter{w, hurry}).Write([]byte("row")); err == nil {
			t.Error("Write to a pipe that nobody reads has no error")
		}
		assert.Same(t, "Write took", time.Since(start), time.Hour+lastWrite)
		r.Close() // the write ends
	})
}

// A slow reader gets all rows, although they take longer than one may.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		hurry := make(chan struct{})
		close(hurry)
		go func() {
			for range 3 {
				time.Sleep(lastWrite - time.Millisecond)
				_, _ = io.ReadFull(r, make([]byte, len("row\n")))
			}
		}()
		for range 3 {
			if _, err := (&patientWriter{w, hurry}).Write([]byte("row\n")); err != nil {
				t.Errorf("Write = %v", err)
			}
		}
	})
}

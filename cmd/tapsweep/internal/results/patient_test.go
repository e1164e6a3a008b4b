package results

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A reader that has stopped reading holds a run up for any time, but not its end.
func TestReaderThatStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		hurry := make(chan struct{})
		start := time.Now()
		time.AfterFunc(time.Hour, func() { close(hurry) })
		if _, err := (&Patient{w, hurry}).Write([]byte("row\n")); !errors.Is(err, ErrNotRead) {
			t.Errorf("Write = %v, want %v", err, ErrNotRead)
		}
		if took := time.Since(start); took != time.Hour+lastWrite {
			t.Errorf("Write took %v, want %v", took, time.Hour+lastWrite)
		}
		r.Close() // the write ends
	})
}

// A reader that is slow gets all rows, even if they take longer than 5 s together.
func TestReaderThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		hurry := make(chan struct{})
		close(hurry)
		p := &Patient{w, hurry}
		go func() {
			for range 10 {
				if _, err := p.Write([]byte("row\n")); err != nil {
					t.Errorf("Write = %v", err)
				}
			}
			w.Close()
		}()
		var got strings.Builder
		for buf := make([]byte, 4); ; {
			time.Sleep(lastWrite - time.Millisecond)
			n, err := r.Read(buf)
			got.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if want := strings.Repeat("row\n", 10); got.String() != want {
			t.Errorf("the reader has %q, want %q", got.String(), want)
		}
	})
}

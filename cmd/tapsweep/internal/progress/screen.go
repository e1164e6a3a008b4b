package progress

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"

	"github.com/vbauerster/cupwriter"
	"golang.org/x/term"
)

// A screen is mpb's way to the terminal. Over mpb's own it is one that cannot
// fail, since mpb stops drawing at the first error, and one that copes with what
// people do to a terminal meanwhile.
type screen struct {
	*cupwriter.Writer
	out  io.Writer
	size func() (width, height int, err error)

	drawn   int // columns of the line that is there
	wrapped int // lines that it takes now, beyond the first
}

func newScreen(out io.Writer, size func() (width, height int, err error)) *screen {
	s := &screen{out: out, size: size}
	s.Writer = cupwriter.New(frames{s}, true)
	f, ok := out.(*os.File)
	if ok {
		s.SetTermFd(int(f.Fd())) // the console of Windows is moved by calls
	}
	if s.size == nil {
		s.size = func() (int, int, error) {
			if !ok {
				return 0, 0, errors.ErrUnsupported
			}
			return term.GetSize(int(f.Fd()))
		}
	}
	return s
}

// IsTerminal has mpb ask for the size before each draw.
func (s *screen) IsTerminal() bool { return true }

// GetTermSize never fails, and leaves the last column free: a line that fills it
// is two lines to some terminals.
func (s *screen) GetTermSize() (width, height int, err error) {
	width, height, err = s.size()
	if err != nil || width <= 0 || height <= 0 { // a terminal of no size is one that nobody has told its size
		width, height = 80, 24
	}
	s.wrapped = max(0, s.drawn-1) / width
	return max(width-1, 1), height, nil
}

// frames writes what was collected for one draw.
type frames struct{ *screen }

func (f frames) Write(p []byte) (int, error) {
	// A key that was pressed has moved the cursor off the first column, where ^C
	// is shown for one.
	lead := []byte("\r")
	// A line that has become wider than the terminal was wrapped by it, and is to
	// be taken away whole.
	if f.wrapped > 0 && runtime.GOOS != "windows" {
		lead = append(strconv.AppendInt(append(lead, "\x1b["...), int64(f.wrapped), 10), 'A')
	}
	_, _ = f.out.Write(append(lead, p...))
	return len(p), nil
}

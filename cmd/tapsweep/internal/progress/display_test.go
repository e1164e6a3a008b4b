package progress

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/testdata/assert"
)

// A terminal shows what the display writes: text, line ends, carriage returns, and the escape sequences that move the
// cursor up and erase the rest. It panics at anything else.
type terminal struct {
	mu       sync.Mutex
	width    int
	lines    [][]rune
	row, col int
	writes   int
	fail     error
}

func (tt *terminal) columns() int {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.width
}

func (tt *terminal) Write(p []byte) (int, error) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	tt.writes++
	if tt.fail != nil {
		return 0, tt.fail
	}
	for text := []rune(string(p)); len(text) > 0; {
		n := 1
		switch r := text[0]; r {
		case '\r':
			tt.col = 0
		case '\n':
			tt.row, tt.col = tt.row+1, 0
		case '\x1b':
			s := string(text)
			switch up := 0; {
			case strings.HasPrefix(s, "\x1b[J"):
				n = 3
				tt.lines = tt.lines[:min(tt.row+1, len(tt.lines))]
				if tt.row < len(tt.lines) {
					tt.lines[tt.row] = tt.lines[tt.row][:min(tt.col, len(tt.lines[tt.row]))]
				}
			default:
				if _, err := fmt.Sscanf(s, "\x1b[%dA", &up); err != nil {
					panic(fmt.Sprintf("the terminal does not know %q", s))
				}
				n = len(fmt.Sprintf("\x1b[%dA", up))
				tt.row = max(0, tt.row-up)
			}
		default:
			if tt.col == tt.width {
				tt.row, tt.col = tt.row+1, 0
			}
			for len(tt.lines) <= tt.row {
				tt.lines = append(tt.lines, nil)
			}
			for len(tt.lines[tt.row]) <= tt.col {
				tt.lines[tt.row] = append(tt.lines[tt.row], ' ')
			}
			tt.lines[tt.row][tt.col] = r
			tt.col++
		}
		text = text[n:]
	}
	return len(p), nil
}

// narrow sets the width of the terminal, and wraps the lines that it shows.
func (tt *terminal) narrow(width int) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	var lines [][]rune
	for i, line := range tt.lines {
		for len(line) > width {
			lines, line = append(lines, line[:width:width]), line[width:]
			if i < tt.row {
				tt.row++
			}
		}
		lines = append(lines, line)
	}
	tt.lines, tt.width = lines, width
}

func (tt *terminal) count() int {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.writes
}

func (tt *terminal) text() string {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	var b strings.Builder
	for _, l := range tt.lines {
		b.WriteString(strings.TrimRight(string(l), " ") + "\n")
	}
	return b.String()
}

func wantText(t *testing.T, tt *terminal, want string) {
	t.Helper()
	assert.Same(t, "the terminal", tt.text(), want)
}

// done reports n passes that are revoked.
func done(d *Display, n int) {
	for range n {
		d.Row(&results.Row{Outcome: results.Revoked})
	}
}

func second() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{width: 100}
		d := start(Options{Mode: Bar, Out: tt, Total: 400, Phase: "revoking"}, tt.columns)
		began := time.Now()
		for range 5 {
			done(d, 20)
			second()
		}
		wantText(t, tt, "revoking  [===---------]  100/400 passes  15s left  20.0/s  100 revoked\n")

		fmt.Fprintln(d, "level=WARN msg=closed wait=37s")
		d.Observe(19, 1, "writes", time.Now().Add(37*time.Second), time.Time{})
		second()
		wantText(t, tt, `level=WARN msg=closed wait=37s
revoking  [===---------]  100/400 passes  wait 36s  2m40s left  16.0/s  100 revoked
`)
		tt.Write([]byte("^C")) // as the terminal itself does
		tt.narrow(50)
		second()
		wantText(t, tt, "level=WARN msg=closed wait=37s\nrevoking  100/400 passes  wait 35s  2m40s left\n")
		tt.narrow(120)
		fmt.Fprint(d, "half a ")
		second()
		fmt.Fprint(d, "line\nand the rest")
		d.Observe(0, 0, "writes", time.Time{}, time.Time{})
		done(d, 300)
		d.Stop()
		d.Stop()
		if most := int(time.Since(began)/time.Second)*5 + 2; tt.count() > most {
			t.Errorf("%d writes in %v, want %d at most", tt.count(), time.Since(began), most)
		}
		done(d, 1)
		time.Sleep(time.Minute)
		fmt.Fprintln(d, " afterwards")
		wantText(t, tt, `level=WARN msg=closed wait=37s
half a line
revoking  [============]  400/400 passes  400 revoked  5.0 % throttled
and the rest afterwards
`)
	})
}

// Text does not cause more writes.
func TestBarUnderALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{width: 80}
		d := start(Options{Mode: Bar, Out: tt, Total: 5000}, tt.columns)
		for i := range 1000 {
			fmt.Fprintf(d, "line %d\n", i)
			time.Sleep(2 * time.Millisecond)
		}
		d.Stop()
		assert.Same(t, "lines", strings.Count(tt.text(), "\n"), 1001)
		assert.That(t, tt.count() <= 10, "%d writes in 2s", tt.count())
	})
}

// A terminal that is gone ends neither the run nor the display.
func TestBarWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{width: 80, fail: errors.New("input/output error")}
		d := start(Options{Mode: Bar, Out: tt, Total: 2}, tt.columns)
		time.Sleep(time.Second)
		fmt.Fprintln(d, "a message")
		done(d, 1)
		second()
		tt.fail = nil
		d.Stop()
		wantText(t, tt, "  [======------]  1/2 passes  1 revoked\n")
	})
}

// Plain writes a line every ten seconds, and messages at once. The total may be known later.
func TestLines(t *testing.T) {
	const plain = `tapsweep: revoking: 200/1000 passes, 40s left, 20.0/s, 200 revoked
a message
tapsweep: revoking: 401/1000 passes, wait 33s, 1m50s left, 1 not done, 20.1/s, 400 revoked, 5.0 % throttled
`
	for mode, want := range map[Mode]string{None: "a message\n", Plain: plain} {
		synctest.Test(t, func(t *testing.T) {
			tt := &terminal{width: 1000}
			d := Start(Options{Mode: mode, Out: tt, Phase: "revoking"})
			time.Sleep(time.Millisecond)
			d.SetTotal(1000)
			for i := range 25 {
				done(d, 20)
				if i == 15 {
					d.Row(&results.Row{Outcome: results.Denied})
					d.Observe(19, 1, "writes", time.Now().Add(37*time.Second), time.Time{})
					fmt.Fprintln(d, "a message")
				}
				second()
			}
			d.Stop()
			time.Sleep(time.Hour)
			wantText(t, tt, want)
		})
	}
}

// All methods may be called at once. The race detector checks it.
func TestConcurrent(t *testing.T) {
	for _, mode := range []Mode{Bar, Plain} {
		synctest.Test(t, func(t *testing.T) {
			tt := &terminal{width: 80}
			d := start(Options{Mode: mode, Out: tt}, tt.columns)
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					for range 200 {
						done(d, 1)
						d.Observe(1, 0, fmt.Sprint("quota", i), time.Now().Add(time.Minute), time.Time{})
						fmt.Fprintln(d, "text")
						time.Sleep(100 * time.Millisecond)
					}
					d.Stop()
				})
			}
			wg.Wait()
		})
	}
}

// The display asks a real terminal for its size, which changes.
func TestPTY(t *testing.T) {
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminal: ", err)
	}
	defer keyboard.Close()
	setSize := func(width uint16) {
		assert.OK(t, pty.Setsize(tty, &pty.Winsize{Rows: 10, Cols: width}))
	}
	setSize(100)
	screen, read := &terminal{width: 1000}, make(chan struct{})
	go func() {
		defer close(read)
		var b [4096]byte
		for {
			n, err := keyboard.Read(b[:])
			screen.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	d := Start(Options{Mode: Bar, Out: tty, Total: 4, Phase: "revoking"})
	done(d, 1)
	time.Sleep(2 * drawEvery)
	wide := screen.text()
	setSize(25)
	time.Sleep(2 * drawEvery)
	d.Stop()
	tty.Close()
	<-read
	assert.That(t, strings.HasPrefix(wide, "revoking  [===---------]  1/4 passes"), "at 100 columns: %q", wide)
	wantText(t, screen, "revoking  1/4 passes\n")
}

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
)

// A terminal understands what the display writes: text, line ends, carriage returns, cursor up and
// erase to the end. It panics at anything else.
type terminal struct {
	mu            sync.Mutex
	width, height int
	lines         [][]rune
	row, col      int
	writes        int
	fail          error
}

func (tt *terminal) size() (int, int, error) {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.width, tt.height, nil
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
	if got := tt.text(); got != want {
		t.Errorf("the terminal shows\n%swant\n%s", got, want)
	}
}

func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{width: 100, height: 10}
		d := Start(Options{Mode: Bar, Out: tt, Total: 400, Phase: "revoking", Size: tt.size})
		start := time.Now()
		second := func(rows int) { // settles rows and lets a second pass
			for range rows {
				d.Row(results.Revoked)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		for range 5 {
			second(20)
		}
		wantText(t, tt, "revoking  [=========>----------------------------]  100/400  20.0/s  100 revoked  15s left\n")

		fmt.Fprintln(d, "level=WARN msg=closed wait=37s")
		d.Observe(300, 100, "writes", time.Now().Add(37*time.Second))
		second(0)
		wantText(t, tt, `level=WARN msg=closed wait=37s
revoking  [=>------]  100/400  16.0/s  100 revoked  25 % refused  tenant asks for 36 s  2m40s left
`)
		tt.Write([]byte("^C")) // as the terminal itself does
		tt.narrow(50)
		second(0)
		wantText(t, tt, "level=WARN msg=closed wait=37s\n100/400  tenant asks for 35 s  2m40s left\n")
		tt.narrow(120)
		fmt.Fprint(d, "half a ")
		second(0)
		fmt.Fprint(d, "line\nand the rest")
		d.Observe(1200, 0, "writes", time.Time{})
		for range 300 {
			d.Row(results.Absent)
		}
		d.Stop()
		d.Stop()
		want := `level=WARN msg=closed wait=37s
half a line
and the rest
revoking  [======================================]  400/400  100 revoked  300 absent  6 % refused
`
		wantText(t, tt, want)
		if most := int(time.Since(start)/time.Second)*5 + 1; tt.count() > most {
			t.Errorf("%d writes in %v, want %d at most", tt.count(), time.Since(start), most)
		}
		d.Row(results.Revoked)
		time.Sleep(time.Minute)
		fmt.Fprintln(d, "afterwards")
		wantText(t, tt, want+"afterwards\n")
	})
}

// Text does not cause more writes.
func TestBarUnderALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{width: 80, height: 10}
		d := Start(Options{Mode: Bar, Out: tt, Total: 5000, Size: tt.size})
		var want strings.Builder
		for i := range 1000 {
			fmt.Fprintf(d, "line %d\n", i)
			fmt.Fprintf(&want, "line %d\n", i)
			time.Sleep(2 * time.Millisecond)
		}
		d.Stop()
		wantText(t, tt, want.String()+"[--------------------------------------]     0/5000  0 revoked\n")
		if tt.count() > 10 {
			t.Errorf("%d writes in 2s", tt.count())
		}
	})
}

// A terminal that is gone ends neither the run nor the display.
func TestBarWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := &terminal{fail: errors.New("input/output error")}
		gone := func() (int, int, error) { return 0, 0, errors.New("no such device") }
		d := Start(Options{Mode: Bar, Out: tt, Total: 2, Size: gone})
		time.Sleep(time.Second)
		fmt.Fprintln(d, "a message")
		d.Row(results.Revoked)
		time.Sleep(time.Second)
		synctest.Wait()
		tt.fail, tt.width = nil, 80
		d.Stop()
		wantText(t, tt, "[==================>-------------------]  1/2  1 revoked\n")
	})
}

// Plain writes a line every ten seconds, and messages at once. The total may be known later.
func TestLines(t *testing.T) {
	lines := func(t *testing.T, mode Mode) (lines []string) {
		synctest.Test(t, func(t *testing.T) {
			tt := &terminal{width: 1000}
			d := Start(Options{Mode: mode, Out: tt, Phase: "revoking"})
			time.Sleep(time.Second / 2)
			d.SetTotal(1000)
			for i := range 25 {
				for range 20 {
					d.Row(results.Revoked)
				}
				if i == 15 {
					d.Row(results.Denied)
					d.Observe(97, 3, "writes", time.Now().Add(37*time.Second))
					fmt.Fprintln(d, "a message")
				}
				time.Sleep(time.Second)
				if n := tt.count(); i < 9 && n > 0 {
					t.Errorf("%d writes after %ds", n, i+1)
				}
			}
			d.Stop()
			d.Stop()
			time.Sleep(time.Hour)
			lines = strings.Split(strings.TrimSpace(tt.text()), "\n")
		})
		return lines
	}
	if got := lines(t, None); len(got) != 1 || got[0] != "a message" {
		t.Errorf("without progress: %q", got)
	}
	got := lines(t, Plain)
	want := []string{
		"tapsweep: 200 of 1000 rows, 20.0/s, 40s left",
		"a message",
		"tapsweep: 401 of 1000 rows, 20.1/s, 1 not revoked, 3 % refused, tenant asks for 33 s, 1m50s left",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("plain =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// All methods may be called at once. The race detector checks it.
func TestConcurrent(t *testing.T) {
	for _, mode := range []Mode{Bar, Plain} {
		synctest.Test(t, func(t *testing.T) {
			tt := &terminal{width: 80, height: 10}
			d := Start(Options{Mode: mode, Out: tt, Size: tt.size})
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					for range 200 {
						d.Row(results.Absent)
						d.Observe(1, 1, fmt.Sprint("quota", i), time.Now().Add(time.Minute))
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
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 10, Cols: width}); err != nil {
			t.Fatal(err)
		}
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
	d.Row(results.Revoked)
	time.Sleep(2 * drawEvery)
	wide := screen.text()
	setSize(25)
	time.Sleep(2 * drawEvery)
	d.Stop()
	tty.Close()
	<-read
	if !strings.HasPrefix(wide, "revoking  [=========>----------------------------]  1/4  ") {
		t.Errorf("at 100 columns: %q", wide)
	}
	wantText(t, screen, "revoking  1/4  1 revoked\n")
}

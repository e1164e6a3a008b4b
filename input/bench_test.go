package input

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// A million rows: the time of each pass, the heap that a List holds, and the peak of the process.
func BenchmarkMillion(b *testing.B) {
	const rows = 1_000_000
	lines := map[string]struct{ head, row string }{
		"list.csv":   {"user,method\n", "user%[1]d@contoso.com,9f0c7d00-0000-4000-8000-%012[1]x\n"},
		"list.jsonl": {"", `{"user":"user%[1]d@contoso.com","method":"9f0c7d00-0000-4000-8000-%012[1]x"}` + "\n"},
		"both.csv": {"userId,upn,method\n",
			"3f2a1c00-0000-4000-8000-%012[1]x,user%[1]d@contoso.com,9f0c7d00-0000-4000-8000-%012[1]x\n"},
	}
	for name, form := range lines {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			f := assert.Must(os.Create(path))
			w := bufio.NewWriter(f)
			fmt.Fprint(w, form.head)
			for i := range rows {
				fmt.Fprintf(w, form.row, i)
			}
			assert.OK(b, w.Flush())
			f.Close()
			for b.Loop() {
				before := heap()
				l := assert.Must(Open([]string{path}, Options{}))
				first := b.Elapsed()
				b.ReportMetric(float64(heap()-before)/rows, "heap-B/row")
				for _, err := range l.Pairs() {
					assert.OK(b, err)
				}
				b.ReportMetric((b.Elapsed() - first).Seconds(), "second-pass-s")
				b.ReportMetric(peak(b)/rows, "peak-B/row")
				runtime.KeepAlive(l)
			}
		})
	}
}

// peak returns the largest size of the process so far, in bytes, and 0 where /proc does not say.
func peak(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Log(err)
	}
	return kib * 1024
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

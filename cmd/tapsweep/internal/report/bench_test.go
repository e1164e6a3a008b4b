package report

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"tapsweep/testdata/assert"
)

// BenchmarkMillion makes all that there is of a log of a million rows, and tells
// what of it stays in memory. With TAPSWEEP_MILLION=FILE the log is kept.
func BenchmarkMillion(b *testing.B) {
	const rows = 1_000_000
	path := os.Getenv("TAPSWEEP_MILLION")
	if path == "" {
		path = filepath.Join(b.TempDir(), "log.jsonl")
	}
	m := incident(rows)
	assert.OK(b, os.WriteFile(path, m.Bytes(), 0o600))
	m = nil
	for b.Loop() {
		l := assert.Must(OpenLogs(b.Context(), []string{path}))
		c := newCSV(io.Discard)
		r, err := makeReport(b.Context(), l, c.writeRow)
		if err != nil || r.Pairs != rows {
			b.Fatal(err, r.Pairs)
		}
		assert.OK(b, r.writeHTML(b.Context(), io.Discard, l, htmlPage{}))
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		runtime.KeepAlive(l)
		b.ReportMetric(float64(s.HeapAlloc)/rows, "heap-B/row")
		l.Close()
	}
}

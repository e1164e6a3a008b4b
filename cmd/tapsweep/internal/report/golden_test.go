package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// goldenLogs has logs of real runs, and what the readers make of them.
const goldenLogs = "../../../../testdata/logs/golden"

// All readers of a log say the same as before about these logs: the report, its table, and what is left to do if the log
// is used as a list. A change of a golden file is a change of behaviour.
func TestGoldenLogs(t *testing.T) {
	t.Chdir(goldenLogs) // so that the golden files name no directories
	logs, err := filepath.Glob("*.jsonl")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	for _, log := range logs {
		t.Run(log, func(t *testing.T) {
			names := []string{log}
			if list, ok := strings.CutSuffix(log, "-rest.jsonl"); ok {
				names = append(names, list+".jsonl") // it was the list of this one
			}
			var got bytes.Buffer
			sayReport(t, &got, names)
			sayList(&got, log)
			golden := strings.TrimSuffix(log, ".jsonl") + ".golden"
			if *update {
				assert.OK(t, os.WriteFile(golden, got.Bytes(), 0o600))
			}
			want := assert.Must(os.ReadFile(golden))
			assert.Equal(t, golden, got.String(), string(want))
		})
	}
}

// sayReport writes the summary and the rows of a report.
func sayReport(t *testing.T, b *bytes.Buffer, names []string) {
	fmt.Fprintf(b, "== report of %s\n", strings.Join(names, " "))
	l, err := OpenLogs(t.Context(), names)
	if err != nil {
		fmt.Fprintln(b, err)
		return
	}
	defer l.Close()
	var table bytes.Buffer
	c := newCSV(&table)
	r := assert.Must(makeReport(t.Context(), l, c.writeRow))
	assert.OK(t, errors.Join(c.Close(), r.writeText(b)))
	b.Write(table.Bytes())
}

// sayList writes what is left to do if a log is used as a list.
func sayList(b *bytes.Buffer, log string) {
	fmt.Fprintln(b, "== as a list")
	logs := new(results.Lists)
	list, err := input.Open([]string{log}, input.Options{Reader: logs.Read, SkipInvalid: true})
	if err != nil {
		fmt.Fprintln(b, err)
		return
	}
	defer list.Close()
	fmt.Fprintf(b, "%+v\n", list.Stats())
	for p, err := range list.Pairs() {
		fmt.Fprintln(b, p.Place(), p.User, p.Method, p.FirstOf != nil, p.Err, err)
	}
}

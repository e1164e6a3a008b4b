package results

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tapsweep/input"
)

// A results log in which lines are missing is no list: the pairs in them would be forgotten. Nor is
// a file with a part of another log.
func TestLogWithMissingLines(t *testing.T) {
	runAt := func(before int) string { return fmt.Sprintf(`{"type":"run","digest":"x","lines":%d}`+"\n", before) }
	endAt := func(before int) string { return fmt.Sprintf(`{"type":"end","lines":%d}`+"\n", before) }
	row := func(user string) string {
		return `{"type":"result","source":"l.csv","line":2,"user":"` + user + `","method":"` + pass1 +
			`","outcome":"denied"}` + "\n"
	}
	counts := func(n int) string { return fmt.Sprintf(`{"type":"end","counts":{"revoked":1,"denied":%d}}`+"\n", n-1) }
	of := func(list, text string) string { return strings.ReplaceAll(text, `"digest":"x"`, `"digest":"`+list+`"`) }
	run, rows := runAt(0), row(dana)+row(eli)
	for _, tt := range []struct{ name, text, want string }{
		{"whole", run + rows + endAt(3), ""},
		{"resumed", run + row(dana) + endAt(2) + runAt(3) + row(eli) + endAt(5), ""},
		{"resumed after it was killed", run + row(dana) + runAt(2) + rows + endAt(5), ""},
		{"resumed after it was damaged", run + row(dana) + endAt(3) + runAt(3) + row(eli) + endAt(5), ""},
		{"two logs", run + row(dana) + endAt(2) + run + row(eli) + endAt(2), ""},
		{"whole by its counts", run + rows + counts(2), ""},
		{"resumed, whole by its counts", run + rows + counts(2) + run + row(eli) + counts(2), ""},
		{"the last lines", row(eli) + endAt(3), "does not describe a run"},
		{"a row", row(dana), "does not describe a run"},
		{"filtered to its rows", rows, "write only their user and method to a list"},
		{"filtered, with its run and end", run + row(dana) + endAt(3), "write only their user and method to a list"},
		{"an end", endAt(3), "does not describe a run"},
		{"rows before the run", row(dana) + run + row(eli) + endAt(2), "does not describe a run"},
		{"a row cut out", run + row(dana) + endAt(3), "lacks 1 of its 3 lines"},
		{"all rows cut out", run + endAt(3), "lacks 2 of its 3 lines"},
		{"the last run of two", runAt(3) + row(eli) + endAt(5), "lacks 3 of its 5 lines"},
		{"a row cut out of the first of two runs", run + endAt(2) + runAt(3) + row(eli) + endAt(5),
			"lacks 1 of its 5 lines"},
		{"a row cut out of the first of two logs", run + row(dana) + endAt(3) + run + rows + endAt(3),
			"lacks 1 of its 3 lines"},
		{"a killed log before another", of("y", run) + row(dana) + run + row(eli) + endAt(2), "has no end"},
		{"a killed log before another of the same list", run + row(dana) + run + row(eli) + endAt(2),
			"has 4 lines before this one, which says 2"},
		{"the last lines of another log", run + row(dana) + endAt(2) + row(eli) + endAt(20), "continues after its end"},
		{"a row of another log", run + row(dana) + endAt(2) + row(eli), "continues after its end"},
		{"the end of another log", run + row(dana) + endAt(2) + endAt(20), "continues after its end"},
		{"a row of another log before the end", run + rows + endAt(2), "has 3 lines before this one, which says 2"},
		{"the resumed part of a log of another list",
			run + row(dana) + endAt(2) + of("y", runAt(3)) + row(eli) + endAt(5),
			"resumes a log of another list"},
		{"killed and resumed by a version without lines", run + row(dana) + run + row(eli) + counts(2), ""},
		{"a killed log before another, of a version without lines", of("y", run+row(dana)) + run + row(eli) + counts(1),
			"has no end"},
		{"rows of another list before too few, of a version without lines",
			of("y", run+rows+counts(2)) + run + row(eli) + counts(2), "lacks 1 of its 2 rows"},
		{"fewer rows than its counts", run + row(dana) + counts(18), "lacks 17 of its 18 rows"},
	} {
		t.Run(tt.name, func(t *testing.T) { testMissingLines(t, tt.text, tt.want) })
	}
}

// testMissingLines fails the test unless all readers refuse the log with this text, or read it if
// there is none.
func testMissingLines(t *testing.T, log, want string) {
	array := "[" + strings.ReplaceAll(strings.TrimSpace(log), "\n", ",\n") + "]"
	for file, text := range map[string]string{"l.jsonl": log, "l.json": log, "array.json": array} {
		l, _, openErr := openList([]string{write(t, file, text)}, input.Options{SkipInvalid: true})
		if openErr == nil {
			l.Close()
		}
		_, readErr := input.ReadUsers(new(Lists).Read, write(t, file, text))
		for reader, err := range map[string]error{"Open": openErr, "ReadUsers": readErr} {
			bad, _ := errors.AsType[*input.LineError](err)
			if want == "" && err != nil || want != "" && (bad == nil || !strings.Contains(bad.Msg, want)) {
				t.Errorf("%s: %s = %v, want a LineError with %q", file, reader, err, want)
			}
		}
	}
}

// The caller learns where the runs of a log were.
func TestListRuns(t *testing.T) {
	const log = `{"type":"run","tenant":"t1","graphRoot":"https://a"}
{"type":"end"}
{"type":"run","tenant":"t1","graphRoot":"https://a"}
{"type":"end"}
{"type":"run","tenant":"t1","graphRoot":"https://b"}
{"type":"result","source":"l.csv","line":2,"user":"dana@contoso.com","method":"` + pass1 + `","outcome":"revoked"}
{"type":"end"}
`
	path := write(t, "log.jsonl", log)
	_, logs := open(t, input.Options{}, write(t, "l.csv", "user\n"+eli+"\n"), path)
	var got []string
	for _, run := range logs.Runs() {
		got = append(got, fmt.Sprintf("%s:%d %s", run.Source, run.Line, run.GraphRoot))
	}
	if want := []string{path + ":1 https://a", path + ":5 https://b"}; !slices.Equal(got, want) {
		t.Errorf("Runs() = %q, want %q", got, want)
	}
}

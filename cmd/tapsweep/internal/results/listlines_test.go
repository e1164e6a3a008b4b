package results

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"tapsweep/input"
	"tapsweep/testdata/assert"
)

// A results log in which lines are missing is no list, and is not verified: the pairs in them would be
// forgotten. Nor is a file with a part of another log.
func TestLogWithMissingLines(t *testing.T) {
	runAt := func(before int) string { return fmt.Sprintf(`{"type":"run","digest":"x","lines":%d}`+"\n", before) }
	endAt := func(before int) string { return fmt.Sprintf(`{"type":"end","lines":%d}`+"\n", before) }
	row := func(user string) string {
		return `{"type":"result","source":"l.csv","line":2,"user":"` + user + `","method":"` + pass1 +
			`","outcome":"denied"}` + "\n"
	}
	run, rows := runAt(0), row(dana)+row(eli)
	for _, tt := range []struct{ name, text, want string }{
		{"whole", run + rows + endAt(3), ""},
		{"without its last line end", run + rows + strings.TrimSpace(endAt(3)), ""},
		{"resumed", run + row(dana) + endAt(2) + runAt(3) + row(eli) + endAt(5), ""},
		{"resumed after it was killed", run + row(dana) + runAt(2) + rows + endAt(5), ""},
		{"resumed after it was damaged", run + row(dana) + endAt(3) + runAt(3) + row(eli) + endAt(5), ""},
		{"two logs", run + row(dana) + endAt(2) + run + row(eli) + endAt(2), ""},
		{"resumed with another list", run + row(dana) + endAt(2) + strings.Replace(runAt(3), "x", "y", 1) + row(eli) +
			endAt(5), "4: resumes a log of another list"},
		{"no end", run + rows, "1: has no last line"},
		{"a list", "user\na@contoso.com\n", "1: does not describe a run"},
		{"the last lines", row(eli) + endAt(3), "1: does not describe a run"},
		{"rows before the run", row(dana) + run + row(eli) + endAt(2), "1: does not describe a run"},
		{"a row cut out", run + row(dana) + endAt(3), "3: lacks 1 of its 3 lines"},
		{"all rows cut out", run + endAt(3), "2: lacks 2 of its 3 lines"},
		{"the last run of two", runAt(3) + row(eli) + endAt(5), "3: lacks 3 of its 5 lines"},
		{"a row cut out of the first of two runs", run + endAt(2) + runAt(3) + row(eli) + endAt(5),
			"5: lacks 1 of its 5 lines"},
		{"a row cut out of the first of two logs", run + row(dana) + endAt(3) + run + rows + endAt(3),
			"3: lacks 1 of its 3 lines"},
		{"a killed log before another", run + row(dana) + run + row(eli) + endAt(2), "1: has no last line"},
		{"a row of another log", run + row(dana) + endAt(2) + row(eli), "4: continues after its last line"},
		{"the end of another log", run + row(dana) + endAt(2) + endAt(20), "4: continues after its last line"},
		{"a row of another log before the end", run + rows + endAt(2),
			"4: has 3 lines before this line, but this line says 2"},
	} {
		t.Run(tt.name, func(t *testing.T) { testMissingLines(t, tt.text, tt.want) })
	}
}

// testMissingLines fails the test unless Complete, and verify and a list with it, refuse the log at this
// line with this text, or accept it if there is none.
func testMissingLines(t *testing.T, log, want string) {
	path := write(t, "l.jsonl", log)
	line, text, _ := strings.Cut(want, ": ")
	_, readErr := ReadUsers(path)
	assert.Says(t, "ReadUsers", readErr, text)
	if strings.HasPrefix(log, "user") {
		return
	}
	_, _, err := openList([]string{path}, input.Options{SkipInvalid: true})
	assert.Says(t, "Open", err, text)
	if bad, ok := errors.AsType[*input.LineError](readErr); ok && strconv.Itoa(bad.Line) != line {
		t.Errorf("the error is about line %d, want %s", bad.Line, line)
	}
}

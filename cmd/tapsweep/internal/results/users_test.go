package results

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// verify has each user once, with the place of the first row and the content of the last. It reads
// UTF-16, which Windows PowerShell writes.
func TestReadUsers(t *testing.T) {
	text := logText("run, failed 1, protected 2, end, run, revoked 1, end")
	text = strings.Replace(text, `{"type":"end","exit":1,"lines":6}`, `{"type":"result","action":"revokeSessions",`+
		`"user":"`+strings.ToUpper(dana)+`","outcome":"revoked"}`+"\n"+`{"type":"end","lines":7}`, 1)
	read := func(path string) *Lists {
		t.Helper()
		found, err := ReadUsers(path)
		assert.OK(t, err, "ReadUsers")
		return found
	}
	assert.Same(t, "users of a log in UTF-16", len(read("../../../../testdata/logs/log-ps51-redirect.jsonl").Users), 3)
	// A run of an older version without --protect wrote rows about sessions of users whom the first run protected.
	for name, row := range map[string]string{"no other row": "", "the pass is named twice": rowLine(Duplicate),
		"a row about sessions": sessionLine(NotSent)} {
		protected := write(t, "log.jsonl", runLine+rowLine(Protected)+row+endLine)
		assert.Same(t, "users of a log with a protected user, and "+name, len(read(protected).Users), 0)
	}

	path := write(t, "log.jsonl", text)
	found := read(path)
	assert.Same(t, "users", len(found.Users), 1)
	assert.Same(t, "the log has rows about sessions", found.HasSessions(), true)
	u := found.Users[0]
	assert.Same(t, "line of the first row", u.Line, 2)
	assert.Same(t, "pass of the last row", u.Method, pass1)
	assert.Same(t, "outcome of the last row", u.Outcome, Revoked)
	assert.Same(t, "outcome of the sessions", u.Sessions.Outcome, Revoked)
	var runs []string
	for _, run := range found.Runs {
		runs = append(runs, fmt.Sprintf("%s:%d", run.Source, run.Line))
	}
	assert.Equal(t, "runs", runs, []string{path + ":1", path + ":5"})
}

package results

import (
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
	found, err := ReadUsers("../../../../testdata/logs/log-ps51-redirect.jsonl")
	assert.That(t, err == nil && len(found.Users) == 3, "UTF-16: ReadUsers = %+v, %v, want 3 users", found, err)
	found, err = ReadUsers(write(t, "log.jsonl", logText("run, protected 1, end")))
	assert.That(t, err == nil && len(found.Users) == 0,
		"a protected user: ReadUsers = %+v, %v, want no user", found, err)
	if found, err = ReadUsers(write(t, "log.jsonl", text)); err != nil || len(found.Users) != 1 {
		t.Fatalf("ReadUsers = %+v, %v, want 1 user", found, err)
	}
	u := found.Users[0]
	assert.That(t, u.Line == 2 && u.Method == pass1 && u.Outcome == Revoked,
		"the user is %+v, want pass 1 of line 2, revoked", u)
	assert.That(t, u.Sessions != nil && u.Sessions.Outcome == Revoked && found.HasSessions(),
		"the sessions are %+v, want revoked", u.Sessions)
}

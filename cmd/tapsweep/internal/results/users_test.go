package results

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/input"
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
	assert.Same(t, "users of a log in UTF-16", len(read("../../../../testdata/cases/log-ps51-redirect.jsonl").Users), 3)
	for name, row := range map[string]string{"no other row": "", "the pass is named twice": rowLine(Duplicate)} {
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

// The command that verify prints protects the users whom the last run of each log protected. A user who is no longer on
// the list of the last run was unprotected on purpose.
func TestProtectFlags(t *testing.T) {
	run := func(command, flag string) string {
		if command == "verify" {
			return `{"type":"run","command":["verify"],"protectFlags":["` + flag + `"]}` + "\n" + endLine
		}
		return `{"type":"run","command":["` + command + `","` + flag + `"]}` + "\n" + endLine
	}
	twoRuns, first := run("revoke", "--protect=old.txt")+run("revoke", "--protect=new.txt"),
		run("revoke", "--protect=glass.txt")
	proof := run("verify", "--protect=old.txt")
	for name, tt := range map[string]struct {
		logs []string
		want string
	}{
		"only the last run counts":     {[]string{twoRuns}, "--protect=new.txt"},
		"each log counts":              {[]string{twoRuns, first}, "--protect=new.txt --protect=glass.txt"},
		"two logs have the same list":  {[]string{first, first}, "--protect=glass.txt"},
		"the last log protects nobody": {[]string{first, run("revoke", "")}, "--protect=glass.txt"},
		"a log of verify counts":       {[]string{proof, first}, "--protect=old.txt --protect=glass.txt"},
	} {
		var paths []string
		for _, text := range tt.logs {
			paths = append(paths, write(t, "log.jsonl", text))
		}
		found, err := ReadUsers(paths...)
		assert.OK(t, err, name)
		assert.Same(t, "flags: "+name, strings.Join(found.ProtectFlags(), " "), tt.want)
	}
}

// Of two logs about a user, the newer one counts in any order. Otherwise verify would compare with the older call that
// revoked the sessions, and a run would not revoke the sessions that the newer log has not revoked.
func TestNewerLogCounts(t *testing.T) {
	logOf := func(day, id string, pass, sessions Outcome) string {
		time := `"time":"2026-03-` + day + `T08:00:00Z"`
		run := `{"type":"run","start":"2026-03-` + day + `T07:00:00Z"}` + "\n"
		return write(t, "log.jsonl", run+rowLine(pass, methodIs(id), time)+
			sessionLine(sessions, time, `"sentAt":"2026-03-`+day+`T07:59:00Z"`)+endLine)
	}
	older, newer := logOf("09", pass1, Failed, Revoked), logOf("10", pass2, Revoked, NotSent)
	for _, paths := range [][]string{{older, newer}, {newer, older}} {
		found, err := ReadUsers(paths...)
		assert.OK(t, err)
		u := found.Users[0]
		assert.Same(t, "place of the first row", u.Source, paths[0])
		assert.Same(t, "pass", u.Method, pass2)
		assert.Same(t, "outcome", u.Outcome, Revoked)
		assert.Same(t, "outcome of the sessions", u.Sessions.Outcome, NotSent)
		assert.Same(t, "day of the call", u.Sessions.SentAt.Day(), 10)
		logs := &Lists{Sessions: true}
		l, err := input.Open(paths, input.Options{Reader: logs.Read})
		assert.OK(t, err)
		l.Close()
		assert.Same(t, "users whose sessions are left", len(logs.SessionsLeft()), 1)
	}
}

// Of two logs, a row that says not_sent does not hide that the other run revoked the sessions, in any order.
func TestNotSentSaysNothingOfAnotherLog(t *testing.T) {
	revoked := write(t, "revoked.jsonl", timed("1", rowLine(Revoked, methodIs(pass1))+sessionLine(Revoked)))
	stopped := write(t, "stopped.jsonl", timed("2", rowLine(NotSent, methodIs(pass1))+sessionLine(NotSent)))
	for _, logs := range [][]string{{revoked, stopped}, {stopped, revoked}} {
		l, err := ReadUsers(logs...)
		assert.OK(t, err)
		assert.Same(t, fmt.Sprint(logs, ": outcome of the sessions"), l.Users[0].Sessions.Outcome, Revoked)
	}
	l, err := ReadUsers(write(t, "one.jsonl", timed("12", sessionLine(Revoked), sessionLine(NotSent))))
	assert.OK(t, err)
	assert.Same(t, "outcome of the last row in one log", l.Users[0].Sessions.Outcome, NotSent)
}

// If the newest row about sessions is not_sent, the newest of the calls in other logs counts, in any order.
func TestNewestCallCounts(t *testing.T) {
	at := func(name, day string, o Outcome) string {
		run := `{"type":"run","start":"2026-03-` + day + `T07:00:00Z"}` + "\n"
		return write(t, name, run+sessionLine(o, `"time":"2026-03-`+day+`T08:00:00Z"`,
			`"sentAt":"2026-03-`+day+`T07:59:00Z"`)+endLine)
	}
	older, newer, last := at("older.jsonl", "09", Revoked), at("newer.jsonl", "10", Revoked),
		at("last.jsonl", "11", NotSent)
	for _, logs := range [][]string{{older, newer, last}, {newer, older, last}, {last, newer, older}} {
		l, err := ReadUsers(logs...)
		assert.OK(t, err)
		assert.Same(t, fmt.Sprint(logs, ": outcome of the sessions"), l.Users[0].Sessions.Outcome, Revoked)
		assert.Same(t, fmt.Sprint(logs, ": day of the call"), l.Users[0].Sessions.SentAt.Day(), 10)
	}
}

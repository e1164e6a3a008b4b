package results

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/input"
)

// A LoggedUser is a user in logs: the place of the user's first row, and the content of the last row. If several
// logs have rows about the user, the time of the rows decides which is the last.
type LoggedUser struct {
	Source  string // the log
	Line    int
	User    string
	UPN     string
	Method  string
	Outcome Outcome

	Creation input.Creation
	Sessions *LogSessions // nil if the logs have no row about the user's sessions, or if they are protected

	passGone      bool // a pass of the user is gone
	keepsSessions bool // the sessions of the user are protected

	// The start of the last run that revoked a pass of the user, and of the last run that revoked the sessions
	// or found no such user or a guest.
	lastDelete, lastCall time.Time

	passRow      writtenRow    // which row counts
	sessionsRows []sessionsRow // of each log the last one about the sessions
}

// A sessionsRow is a row about the sessions of a user.
type sessionsRow struct {
	writtenRow
	LogSessions
}

// A writtenRow is the log and the time of a row.
type writtenRow struct {
	log string
	at  time.Time
}

// update replaces w by a later row of its log, or by a row of another log that is not older. It reports whether it did.
func (w *writtenRow) update(log string, at time.Time) bool {
	if w.log != log && at.Before(w.at) {
		return false
	}
	*w = writtenRow{log, at}
	return true
}

// LogSessions is the last row of a log about the sessions of a user.
type LogSessions struct {
	Outcome Outcome
	SentAt  time.Time
}

// done reports whether the sessions were revoked, or the tenant cannot revoke them, because it has no such user or the
// user is a guest. s may be nil.
func (s *LogSessions) done() bool {
	return s != nil && (s.Outcome == Revoked || s.Outcome == UnknownUser || s.Outcome == Guest)
}

// addUser adds a row of the named log to its user. It returns an error if the name is not safe in a URL.
func (l *Lists) addUser(log string, rec *Record) error {
	if err := rec.checkUser(); err != nil {
		return err
	}
	r := rec.Row
	name := strings.ToLower(r.User)
	user := l.users[name]
	if user == nil {
		if l.users == nil {
			l.users = make(map[string]*LoggedUser)
		}
		user = &LoggedUser{Source: log, Line: rec.Line}
		l.users[name], l.Users = user, append(l.Users, user)
	}
	user.User, user.UPN = r.User, cmp.Or(r.UPN, user.UPN)
	run := l.Runs[len(l.Runs)-1]
	// A row that is verified may be of a later run than the delete or the call.
	revoked := r.Outcome == Revoked && run.Kind() != "verify" && (r.Provisional || !run.Verify)
	switch {
	case r.Action == RevokeSessions:
		if revoked || r.Outcome == UnknownUser || r.Outcome == Guest {
			user.lastCall = latest(user.lastCall, run.Start)
		}
		user.addSessions(log, r)
	case r.Outcome != Duplicate: // the first row of the pass has its outcome
		user.passGone = user.passGone || r.sessionsFollow()
		if revoked {
			user.lastDelete = latest(user.lastDelete, run.Start)
		}
		if user.passRow.update(log, r.Time) {
			user.Method, user.Outcome, user.Creation = r.Method, r.Outcome, r.Creation
		}
	}
	return nil
}

// addSessions adds a row about the sessions.
func (u *LoggedUser) addSessions(log string, r *Row) {
	u.sessionsRows = slices.DeleteFunc(u.sessionsRows, func(row sessionsRow) bool { return row.log == log })
	u.sessionsRows = append(u.sessionsRows, sessionsRow{writtenRow{log, r.Time}, LogSessions{r.Outcome, r.SentAt}})
}

// chooseSessions chooses the row about the sessions that counts, after all logs have been read. It is the newest one.
// If that one is not_sent, it says nothing new of sessions that another log shows to be revoked, unless a pass was
// deleted after that call. Then the newest row that shows this counts.
func (u *LoggedUser) chooseSessions() {
	newest := func(counts func(*LogSessions) bool) (chosen *sessionsRow) {
		for i := range u.sessionsRows {
			row := &u.sessionsRows[i]
			if counts(&row.LogSessions) && (chosen == nil || !row.at.Before(chosen.at)) {
				chosen = row
			}
		}
		return chosen
	}
	row := newest(func(*LogSessions) bool { return true })
	if row != nil && row.Outcome == NotSent && !u.lastDelete.After(u.lastCall) {
		row = cmp.Or(newest((*LogSessions).done), row)
	}
	u.Sessions, u.keepsSessions = nil, row != nil && row.Outcome == Protected
	if row != nil && !u.keepsSessions {
		u.Sessions = &row.LogSessions
	}
}

// signedOut reports whether the sessions are revoked, and no later run has revoked another pass: somebody may have
// signed in with it after the call.
func (u *LoggedUser) signedOut() bool {
	if !u.Sessions.done() {
		return false
	}
	called := u.lastCall
	if called.IsZero() { // the logs only have rows that verify the call
		called = u.Sessions.SentAt
	}
	return !u.lastDelete.After(called)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// protected reports whether the last row about a pass of the user is protected. Rows about the sessions of such a user
// do not count.
func (u *LoggedUser) protected() bool { return u.Outcome == Protected }

// ReadUsers reads each user of results logs once. It leaves out users who are protected, and rows that were invalid.
// It returns an error for a file that is not a complete log (see Condition.problem).
func ReadUsers(paths ...string) (*Lists, error) {
	l := new(Lists)
	for _, path := range paths {
		if err := l.readUsers(path); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	l.Users = slices.DeleteFunc(l.Users, (*LoggedUser).protected)
	for _, user := range l.Users {
		user.chooseSessions()
	}
	if n := l.twoNames(); n > 0 { // a list may have a wrong name, so both are checked
		l.Warnings = append(l.Warnings, format.Plural(n, "user is", "users are")+" in the logs by object ID and by "+
			"name: each name is checked, and counts as a user")
	}
	return l, nil
}

// twoNames returns the number of users with an object ID whose user principal name also is a user.
func (l *Lists) twoNames() (n int) {
	for _, user := range l.Users {
		if other := l.users[strings.ToLower(user.UPN)]; user.UPN != "" && other != nil && other != user {
			n++
		}
	}
	return n
}

func (l *Lists) readUsers(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return l.readLog(path, input.Decode(f), func(rec *Record) error {
		switch r := rec.Row; {
		case r == nil:
		case r.isInvalidLine():
			l.Invalid++
		case r.User == input.Me && r.Outcome != Protected:
			return lineError(rec.Line, "the row is about the user who was signed in, and does not say who that was")
		case r.User != "":
			return l.addUser(path, rec)
		}
		return nil
	})
}

// HasSessions reports whether the logs have rows about the sessions of users.
func (l *Lists) HasSessions() bool {
	return slices.ContainsFunc(l.Users, func(user *LoggedUser) bool { return user.Sessions != nil })
}

// Digest returns the digest of the Users.
func (l *Lists) Digest() string {
	digest := sha256.New()
	for _, user := range l.Users {
		fmt.Fprintf(digest, "%s\n", strings.ToLower(user.User))
	}
	return fmt.Sprintf("sha256:%x", digest.Sum(nil))
}

// ProtectFlags returns the flags with the lists of protected users that the last run of each log had.
func (l *Lists) ProtectFlags() (words []string) {
	seen := make(map[string]bool)
	for i, run := range l.Runs {
		last := i+1 == len(l.Runs) || l.Runs[i+1].Source != run.Source
		flags := run.protectFlags()
		if key := strings.Join(flags, "\n"); last && !seen[key] {
			seen[key] = true
			words = append(words, flags...)
		}
	}
	return words
}

// DeletesNothing returns the first log all of whose runs are scans or dry runs, which delete nothing. It returns "" if
// there is none.
func (l *Lists) DeletesNothing() (log string) {
	deletes := make(map[string]bool)
	for _, run := range l.Runs {
		deletes[run.Source] = deletes[run.Source] || !run.DryRun && run.Kind() != "scan"
	}
	for _, run := range l.Runs {
		if !deletes[run.Source] {
			return run.Source
		}
	}
	return ""
}

// Operators returns each operator of the runs that deleted passes, as far as the logs have them.
func (l *Lists) Operators() (names []string) {
	for _, run := range l.Runs {
		if run.Operator != "" && run.Kind() != "verify" && !slices.Contains(names, run.Operator) {
			names = append(names, run.Operator)
		}
	}
	return names
}

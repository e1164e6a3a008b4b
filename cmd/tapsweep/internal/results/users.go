package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tapsweep/input"
)

// LogUsers are the users of results logs, each once.
type LogUsers struct {
	Users  []LogUser
	First  *Run   // of the first log; all are of its tenant and Graph root
	Digest string // of the users

	Operators []string // of the runs that deleted, each once, as far as the logs say

	Invalid int // rows that were invalid
	Foreign int // skipped lines that are not part of a results log

	at map[string]int // index into Users, by user in lower case

	run      *Run         // that is being read
	expected map[int]bool // indices of users whose sessions a run without an end was to revoke
}

// A LogUser is a user of a log, with the place of the user's first row and the content of the
// last one.
type LogUser struct {
	Source  string // the log
	Line    int
	User    string
	UPN     string
	Method  string
	Outcome Outcome

	Creation input.Creation
	Sessions *LogSessions // nil if the log says nothing of the user's sessions
}

// LogSessions are the last row of a log about the sessions of a user.
type LogSessions struct {
	Outcome Outcome
	SentAt  time.Time
}

// Sessions reports whether the logs say anything of sessions.
func (u *LogUsers) Sessions() bool {
	return slices.ContainsFunc(u.Users, func(user LogUser) bool { return user.Sessions != nil })
}

// ReadUsers reads the users of results logs, whatever became of their passes, but not those of
// rows that were invalid or protected. Logs of several tenants or Graph roots are an error, and
// so is a file that is no log or not complete (see Condition.Complete).
func ReadUsers(paths ...string) (*LogUsers, error) {
	u := &LogUsers{at: make(map[string]int)}
	for _, path := range paths {
		if err := u.read(path); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	digest := sha256.New()
	for _, user := range u.Users {
		fmt.Fprintf(digest, "%s\n", strings.ToLower(user.User))
	}
	u.Digest = "sha256:" + hex.EncodeToString(digest.Sum(nil))
	return u, nil
}

func (u *LogUsers) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	u.expected = make(map[int]bool)
	var c Condition
	for rec, err := range Read(input.Decode(f), &c, KindRun, KindRow, KindSessions, KindEnd) {
		if err == nil {
			err = u.add(path, rec)
		}
		if err != nil {
			return err
		}
	}
	for i := range u.expected {
		if user := &u.Users[i]; user.Sessions == nil {
			user.Sessions = &LogSessions{Outcome: NotSent}
		}
	}
	u.Foreign += c.Foreign
	if c.Open() && inUse(f) {
		return fmt.Errorf("it has no end yet: %w, and passes are missing in it", ErrInUse)
	}
	return c.Complete(path)
}

// add takes in a line.
func (u *LogUsers) add(path string, rec *Record) error {
	switch {
	case rec.End != nil && u.run != nil && u.run.Sessions: // each of its users has a row
		clear(u.expected)
		return nil
	case rec.End != nil:
		return nil
	}
	if run := rec.Run; run != nil {
		u.run = run
		if u.First == nil {
			u.First = run
		}
		if run.Operator != "" && run.Kind() != "verify" && !slices.Contains(u.Operators, run.Operator) {
			u.Operators = append(u.Operators, run.Operator)
		}
		if err := run.Elsewhere(u.First.Tenant, u.First.GraphRoot); err != nil {
			return fmt.Errorf("line %d: %w, of which an earlier run is", rec.Line, err)
		}
		return nil
	}
	r := rec.Row
	switch {
	case r.Outcome == Invalid:
		u.Invalid++
		return nil
	case r.Outcome == Protected || r.User == "":
		return nil
	case r.User == input.Me:
		return fmt.Errorf("line %d is about the user who was signed in, and does not say who that was", rec.Line)
	}
	var sessions *LogSessions
	if rec.Kind == KindSessions {
		sessions = &LogSessions{r.Outcome, r.SentAt}
	}
	user := LogUser{Source: path, Line: rec.Line, User: r.User, UPN: r.UPN, Method: r.Method, Outcome: r.Outcome,
		Creation: r.Creation, Sessions: sessions}
	name := strings.ToLower(r.User)
	i, seen := u.at[name]
	if !seen {
		i = len(u.Users)
		u.at[name] = i
		u.Users = append(u.Users, user)
	}
	if u.run != nil && u.run.Sessions && r.sessionsFollow() {
		u.expected[i] = true
	}
	if !seen {
		return nil
	}
	if sessions != nil {
		u.Users[i].Sessions = sessions
		return nil
	}
	user.Source, user.Line, user.Sessions = u.Users[i].Source, u.Users[i].Line, u.Users[i].Sessions
	u.Users[i] = user
	return nil
}

// inUse reports whether a run holds the lock of the log. One that writes to standard output
// has none, so false is not certain.
func inUse(f *os.File) bool {
	lock, err := lockLog(f)
	if err == nil {
		err = lock.Close()
	}
	return errors.Is(err, ErrInUse)
}

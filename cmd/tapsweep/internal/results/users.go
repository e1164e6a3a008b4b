package results

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tapsweep/input"
)

// A LoggedUser is a user in logs: the place of the user's first row, and the content of the last row.
type LoggedUser struct {
	Source  string // the log
	Line    int
	User    string
	UPN     string
	Method  string
	Outcome Outcome

	Creation input.Creation
	Sessions *LogSessions // nil if the logs have no row about the user's sessions

	passGone bool // a pass of the user is gone
}

// LogSessions is the last row of a log about the sessions of a user.
type LogSessions struct {
	Outcome Outcome
	SentAt  time.Time
}

// done reports whether the sessions were revoked, or there is no such user. s may be nil.
func (s *LogSessions) done() bool {
	return s != nil && (s.Outcome == Revoked || s.Outcome == UnknownUser)
}

// A userSet has each user of the logs once.
type userSet struct {
	Users []*LoggedUser          // in the order of the logs
	at    map[string]*LoggedUser // by name in lower case
}

// add processes a row of the named log.
func (u *userSet) add(log string, rec *Record) {
	r := rec.Row
	name := strings.ToLower(r.User)
	user := u.at[name]
	if user == nil {
		if u.at == nil {
			u.at = make(map[string]*LoggedUser)
		}
		user = &LoggedUser{Source: log, Line: rec.Line}
		u.at[name], u.Users = user, append(u.Users, user)
	}
	user.User = r.User
	if r.UPN != "" {
		user.UPN = r.UPN
	}
	if rec.Kind == KindSessions {
		user.Sessions = &LogSessions{r.Outcome, r.SentAt}
		return
	}
	user.Method, user.Outcome, user.Creation = r.Method, r.Outcome, r.Creation
	user.passGone = user.passGone || r.sessionsFollow()
}

// LogUsers has each user of results logs once.
type LogUsers struct {
	userSet
	First  *Run   // the first run of the first log; all logs have its tenant and Graph root
	Digest string // the digest of the users

	Operators []string // each operator of the runs that deleted, as far as the logs have them

	Invalid int // rows that were invalid

	Skipped []string // a warning for each log with lines that are not part of it
}

// Sessions reports whether the logs have rows about sessions.
func (u *LogUsers) Sessions() bool {
	return slices.ContainsFunc(u.Users, func(user *LoggedUser) bool { return user.Sessions != nil })
}

// ReadUsers reads the users of results logs, except for rows that were invalid or protected. It returns an error
// for logs of different tenants or Graph roots, and for a file that is not a complete log (see
// Condition.complete).
func ReadUsers(paths ...string) (*LogUsers, error) {
	u := new(LogUsers)
	for _, path := range paths {
		if err := u.read(path); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	digest := sha256.New()
	for _, user := range u.Users {
		fmt.Fprintf(digest, "%s\n", strings.ToLower(user.User))
	}
	u.Digest = fmt.Sprintf("sha256:%x", digest.Sum(nil))
	return u, nil
}

func (u *LogUsers) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var c Condition
	for rec, err := range Read(input.Decode(f), &c) {
		if err == nil && rec.Run != nil {
			err = u.addRun(rec)
		}
		if err != nil {
			return err
		}
		switch r := rec.Row; {
		case r == nil, r.Outcome == Protected:
		case r.Outcome == Invalid:
			u.Invalid++
		case r.User == input.Me:
			return lineError(rec.Line, "the row is about the user who was signed in, and does not say who that was")
		case r.User != "":
			u.add(path, rec)
		}
	}
	if words := c.Skipped(path); words != "" {
		u.Skipped = append(u.Skipped, words)
	}
	return c.complete(path)
}

func (u *LogUsers) addRun(rec *Record) error {
	run := rec.Run
	if u.First == nil {
		u.First = run
	}
	if run.Operator != "" && run.Kind() != "verify" && !slices.Contains(u.Operators, run.Operator) {
		u.Operators = append(u.Operators, run.Operator)
	}
	if err := run.Elsewhere(u.First.Tenant, u.First.GraphRoot); err != nil {
		return lineError(rec.Line, "%v, of which an earlier run is", err)
	}
	return nil
}

package report

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A Sessions says what became of the sessions of users. They count apart from passes.
type Sessions struct {
	Users      int                     `json:"users"` // with a row; the last row of a user counts
	Counts     map[results.Outcome]int `json:"counts"`
	Left       int                     `json:"left"`       // not revoked
	WithoutRow int                     `json:"withoutRow"` // users of a run without an end, whose sessions have no row
	Verified   int                     `json:"verified"`
	Unverified int                     `json:"unverified"` // revoked, and to be verified
	Failures   []*Failure              `json:"failures"`
	Resume     []string                `json:"resume"` // the commands that send what is missing

	listedLeft, listedDone []*Row // for the page, up to maxListed of each
}

// Listed are the users that the page lists: first those for whom something is left.
func (s *Sessions) Listed() []*Row {
	rows := slices.Concat(s.listedLeft, s.listedDone)
	return rows[:min(len(rows), maxListed)]
}

// maxListed is how many users of the sessions a page lists.
const maxListed = 1000

// A sessionRow is the row that counts about the sessions of a user.
type sessionRow struct {
	lg         *log
	run        *Run
	offset     int64
	outcome    results.Outcome
	sentAt     time.Time
	pending    bool
	verifiedAt time.Time // zero if it is not verified
	look       *sessionRow
}

// sessionIndex finds the row that counts about the sessions of each user.
type sessionIndex struct {
	rows     map[uint64]*sessionRow // by the hash of the user
	expected map[uint64]*log        // of users with a pass in runs that revoke sessions, the last such log
}

func newSessionIndex() sessionIndex {
	return sessionIndex{make(map[uint64]*sessionRow), make(map[uint64]*log)}
}

// expect takes in a row about a pass. If its run revokes sessions, the user has them revoked.
func (s *sessionIndex) expect(lg *log, r *head) {
	switch r.Outcome {
	case results.Duplicate, results.Invalid, results.Protected:
		return
	}
	if r.run.header.Sessions && r.Method+r.User != "" && !r.failedLook() {
		s.expected[r.who] = lg
	}
}

// row takes in a row about sessions.
func (s *sessionIndex) row(who uint64, lg *log, r *head) {
	row := &sessionRow{lg: lg, run: r.run, offset: r.offset, outcome: r.Outcome, sentAt: r.SentAt,
		pending: r.Provisional}
	if r.Verified {
		row.verifiedAt = utc(r.Time)
	}
	before := s.rows[who]
	switch proves := r.run.kind() == "verify"; {
	case before == nil:
	case before.outcome == results.Revoked && r.Verified && before.sentAt.Equal(r.SentAt):
		before.verifiedAt, before.pending = utc(r.Time), false
		return
	case proves && before.outcome != results.Revoked:
		return // what became of the call says more
	case proves:
		before.look = row
		if r.Outcome == results.Remains {
			before.outcome = results.Remains
		}
		return
	}
	s.rows[who] = row
}

// finish returns the rows in the order of the logs, and how many users have none.
func (s *sessionIndex) finish(logs []*log) (rows []*sessionRow, withoutRow int) {
	for _, row := range s.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *sessionRow) int {
		return cmp.Or(cmp.Compare(slices.Index(logs, a.lg), slices.Index(logs, b.lg)), cmp.Compare(a.offset, b.offset))
	})
	for who, lg := range s.expected {
		if s.rows[who] == nil && lg.resumable().Exit == nil { // a run with an end has a row for each user
			withoutRow++
		}
	}
	return rows, withoutRow
}

// read reads the row, with what verify showed.
func (s *sessionRow) read() (*Row, error) {
	line, err := results.RowAt(s.lg.file, s.offset)
	if err != nil {
		return nil, fmt.Errorf("%s changed while it was read: %w", s.lg.name, err)
	}
	row := &Row{Row: *line, log: s.lg, VerifiedAt: s.verifiedAt}
	row.Outcome, row.Provisional, row.Verified = s.outcome, s.pending, !s.verifiedAt.IsZero()
	row.User = cmp.Or(row.User, s.run.header.Self)
	noProof := row.NoProof
	if s.look != nil {
		look, err := results.RowAt(s.look.lg.file, s.look.offset)
		if err != nil {
			return nil, fmt.Errorf("%s changed while it was read: %w", s.look.lg.name, err)
		}
		row.Message, noProof = cmp.Or(look.Message, string(look.Outcome)), noProof || look.NoProof
	}
	row.unverified = row.Outcome == results.Revoked && !row.Verified && !noProof &&
		(row.Provisional || s.look != nil || s.lg.last().header.Verify)
	clean(&row.Row)
	return row, nil
}

// addSessions counts the rows about sessions, and hands each to also, which may be nil.
func (r *Report) addSessions(ctx context.Context, l *Logs, also func(*Row) error) error {
	if len(l.sessions) == 0 && l.withoutSessions == 0 {
		return nil
	}
	s := &Sessions{Users: len(l.sessions), Counts: make(map[results.Outcome]int), WithoutRow: l.withoutSessions,
		Failures: []*Failure{}, Resume: []string{}}
	r.Sessions = s
	causes, again, remain := make(map[cause]*Failure), make(map[*log]bool), make(map[*log]bool)
	for _, each := range l.sessions {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row, err := each.read()
		if err != nil {
			return err
		}
		s.add(row, causes)
		if proof := each.proof(); row.Outcome == results.Remains && proof != nil {
			remain[proof] = true
		} else if each.run.kind() != "verify" {
			again[row.log] = again[row.log] || row.Outcome.Again() || row.unverified
		}
		if also != nil {
			if err := also(row); err != nil {
				return err
			}
		}
	}
	for _, lg := range l.logs {
		run := lg.resumable()
		if again[lg] || s.WithoutRow > 0 && run.Exit == nil && run.header.Sessions {
			if command, _ := ResumeCommand(lg.name, &run.header, false); command != "" {
				s.Resume = append(s.Resume, command)
			}
		}
		if remain[lg] && run.Exit != nil { // a log without its end is no list
			s.Resume = append(s.Resume, results.CommandLine(run.header.RevokeSessionsWith(lg.name)))
		}
	}
	return nil
}

// proof returns the log of the verify run that has the last row about the sessions, or nil.
func (s *sessionRow) proof() *log {
	switch {
	case s.look != nil:
		return s.look.lg
	case s.run.kind() == "verify":
		return s.lg
	}
	return nil
}

// add counts a row.
func (s *Sessions) add(row *Row, causes map[cause]*Failure) {
	s.Counts[row.Outcome]++
	switch {
	case row.Verified:
		s.Verified++
	case row.unverified:
		s.Unverified++
	}
	if row.Outcome.Left() {
		s.Left++
		s.fail(row, causes)
	}
	listed := &s.listedDone
	if row.Outcome.Left() || row.unverified {
		listed = &s.listedLeft
	}
	if len(*listed) < maxListed {
		*listed = append(*listed, row)
	}
}

// fail counts a row that is left in the group of its cause.
func (s *Sessions) fail(row *Row, causes map[cause]*Failure) {
	c := cause{row.Outcome, row.Code, row.Status, cmp.Or(row.Hint, row.Outcome.SessionMeaning())}
	if causes[c] == nil {
		if len(s.Failures) == maxFailures {
			return
		}
		causes[c] = &Failure{Outcome: c.outcome, Code: c.code, Status: c.status, Hint: c.hint}
		s.Failures = append(s.Failures, causes[c])
	}
	f := causes[c]
	if f.Count++; len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, cmp.Or(row.UPN, row.User))
	}
}

// All is the number of users, including those without a row.
func (s *Sessions) All() int { return plus(s.Users, s.WithoutRow) }

// open is the number of users for whom something is left, 0 for nil.
func (s *Sessions) open() int {
	if s == nil {
		return 0
	}
	return s.Left + s.WithoutRow + s.Unverified
}

// Verdict says in one sentence what became of the sessions.
func (s *Sessions) Verdict() string {
	what, n := "revoked", s.Counts[results.Revoked]
	if planned := s.Counts[results.Planned]; planned > 0 {
		what, n = "ready to be revoked", planned
	}
	text := fmt.Sprintf("The sessions of %s of %s are %s", format.Number(n), count(s.All(), "user"), what)
	switch {
	case n == s.All() && n == 1:
		text = "The sessions of the user are " + what
	case n == s.All():
		text = fmt.Sprintf("The sessions of all %s are %s", count(n, "user"), what)
	}
	if s.Verified > 0 {
		text += fmt.Sprintf(", %s verified", format.Number(s.Verified))
	}
	if s.Unverified > 0 {
		text += fmt.Sprintf(", %s not verified", format.Number(s.Unverified))
	}
	return text + "."
}

// A sessionCount is how many users have an outcome.
type sessionCount struct {
	Outcome        results.Outcome
	Count          int
	Share, Meaning string
}

// Table are the counts in the order of the outcomes.
func (s *Sessions) Table() (rows []sessionCount) {
	for _, o := range results.Outcomes {
		if n := s.Counts[o]; n > 0 {
			rows = append(rows, sessionCount{o, n, share(n, s.All()), o.SessionMeaning()})
		}
	}
	if s.WithoutRow > 0 {
		rows = append(rows, sessionCount{"no row", s.WithoutRow, share(s.WithoutRow, s.All()),
			"the run ended before it wrote a row; the call may have been sent for some"})
	}
	return rows
}

// ShownSentAt is when the call about a row was sent, by Graph's clock, and empty if it was not.
func (row *Row) ShownSentAt() string { return clock(row.SentAt.UTC()) }

// text writes the part of the text about sessions.
func (s *Sessions) text(w io.Writer) {
	if s == nil {
		return
	}
	rows := [][]string{{"sessions:"}}
	for _, c := range s.Table() {
		rows = append(rows, []string{string(c.Outcome), fmt.Sprintf("%9s", format.Number(c.Count)), c.Share})
	}
	table(w, rows)
	for _, f := range s.Failures[:min(len(s.Failures), maxShown)] {
		fmt.Fprintf(w, "  %s  %s\n    %s\n    such as %s\n", format.Number(f.Count), f.Title(), f.Hint,
			strings.Join(f.Examples, ", "))
	}
	for _, command := range s.Resume {
		fmt.Fprintf(w, "  to send what is missing: %s\n", safetext.Printable(command))
	}
}

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A SessionReport has the totals of the sessions of users. They are counted separately from passes.
type SessionReport struct {
	Users      int                     `json:"users"` // with a row; the last row of a user counts
	Counts     map[results.Outcome]int `json:"counts"`
	Left       int                     `json:"left"`       // not revoked, including those without a row
	WithoutRow int                     `json:"withoutRow"` // users of a run without an end, whose sessions have no row
	Verified   int                     `json:"verified"`
	Unverified int                     `json:"unverified"` // revoked, and to be verified
	Failures   []*Failure              `json:"failures"`
	Resume     []string                `json:"resume"` // the commands that send what is missing

	failures   failures
	tasks      map[nextTask]bool
	left, done []*reportedRow // for the page, up to maxListed of each
}

func newSessions(withoutRow int) *SessionReport {
	return &SessionReport{WithoutRow: withoutRow, Counts: make(map[results.Outcome]int), Resume: []string{},
		failures: make(failures), tasks: make(map[nextTask]bool)}
}

// Listed returns the users that the page lists: first those for whom something is left.
func (s *SessionReport) Listed() []*reportedRow {
	rows := slices.Concat(s.left, s.done)
	return rows[:min(len(rows), maxListed)]
}

// maxListed is the maximum number of users for whom a page lists the sessions.
const maxListed = 1000

func (s *SessionReport) add(row *reportedRow) {
	s.Users++
	s.Counts[row.Outcome]++
	if row.Verified {
		s.Verified++
	}
	if row.unverified {
		s.Unverified++
	}
	guest := row.Outcome == results.Guest
	if row.Outcome.Left() {
		s.Left++
	}
	if row.Outcome.Left() || guest {
		s.failures.add(row)
	}
	listed := &s.done
	if row.Outcome.Left() || row.unverified || guest {
		listed = &s.left
	}
	if row.Outcome.Left() || row.unverified {
		s.tasks[taskOf(row)] = true
	}
	if len(*listed) < maxListed {
		*listed = append(*listed, row)
	}
}

// finish finds the commands for what is left.
func (s *SessionReport) finish(l *Logs) {
	s.Failures = s.failures.sorted()
	for _, lg := range l.logs {
		run := lg.last()
		if s.tasks[nextTask{lg, false}] || s.WithoutRow > 0 && run.Exit == nil && run.header.Sessions {
			if command, _ := resumeCommand(lg.name, &run.header, false); command != "" {
				s.Resume = append(s.Resume, command)
			}
		}
		if s.tasks[nextTask{lg, true}] {
			s.Resume = append(s.Resume, results.CommandLine(run.header.RevokeSessionsWith(lg.name)))
		}
	}
}

// All returns the number of users, including those without a row.
func (s *SessionReport) All() int { return plus(s.Users, s.WithoutRow) }

// open returns the number of users for whom something is left, 0 for nil.
func (s *SessionReport) open() int {
	if s == nil {
		return 0
	}
	return s.Left + s.Unverified
}

// Verdict returns one sentence about the sessions.
func (s *SessionReport) Verdict() string {
	what, n := "revoked", s.Counts[results.Revoked]
	if planned := s.Counts[results.Planned]; planned > 0 {
		what, n = "ready to be revoked", planned
	}
	text := fmt.Sprintf("The sessions of %s of %s are %s", format.Number(n), count(s.All(), "user"), what)
	if n == s.All() {
		text = fmt.Sprintf("The sessions of all %s are %s", count(n, "user"), what)
	}
	if s.Verified > 0 {
		text += fmt.Sprintf(", %s verified", format.Number(s.Verified))
	}
	if s.Unverified > 0 {
		text += fmt.Sprintf(", %s not verified", format.Number(s.Unverified))
	}
	if n := s.Counts[results.Guest]; n > 0 {
		text += fmt.Sprintf("; %s %s: only the home tenant can revoke the sessions", count(n, "user"),
			verb(n, "is a guest", "are guests"))
	}
	return text + "."
}

// Table returns the counts in the order of the outcomes.
func (s *SessionReport) Table() []shareRow {
	return shareRows(s.Counts, s.All(), s.WithoutRow, results.Outcome.SessionMeaning,
		"the run ended before it wrote a row; the call may have been sent for some")
}

// text writes the part of the text about sessions.
func (s *SessionReport) text(w io.Writer) {
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

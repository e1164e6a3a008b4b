package run

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// conclusion writes one line with the result of the run and the command that resumes it. Further lines have the
// commands that revoke what a dry run found, what remains, and passes that replaced others.
func (s *summary) conclusion(w io.Writer) {
	sentences := slices.DeleteFunc([]string{s.sentence(), s.sessionSentence(), s.resume()},
		func(text string) bool { return text == "" })
	again := s.revokeAgain()
	printIf(len(sentences) > 0, w, strings.Join(sentences, " "))
	these := "delete these passes: "
	if s.Counts.Outcomes[results.Planned] == 0 {
		these = "revoke these sessions: "
	}
	printIf(again != "" && s.Run.DryRun, w, "To ", these, again)
	printIf(again != "" && !s.Run.DryRun, w, "To revoke what remains", s.including(), s.keeping(), ": ", again)
	printIf(s.revokeAny() != "", w, "To revoke the passes that replaced others: ", s.revokeAny())
}

// including says that the passes that remain include some that no list names. A log of verify does not show which.
func (s *summary) including() string {
	switch n := s.Counts.Unnamed; {
	case n > 0:
		return ", including " + passes(n) + " that no list names"
	case s.Run.Kind() == "verify" && s.Counts.Outcomes[results.Remains] > 0:
		return ", which may include passes that no list names"
	}
	return ""
}

// keeping says that the command of a verify has the lists of protected users of the verified logs. Somebody may have
// left them out of one of these runs on purpose.
func (s *summary) keeping() string {
	if s.Run.Kind() == "verify" && s.Run.HasProtectList() {
		return " (the command keeps the users on --protect)"
	}
	return ""
}

// sentence returns how many passes of the whole log are gone. It is empty for a scan.
func (s *summary) sentence() string {
	c := &s.Counts
	t := results.Tally{Rows: c.Outcomes, NoPass: c.NoPass, Unverified: c.Unverified, DryRun: s.Run.DryRun,
		Scans: s.Run.Kind() == "sweep", ScanStopped: s.ScanStopped}
	none := c.Total() == c.Outcomes[results.Duplicate]+c.Outcomes[results.Protected]
	sentences := append([]string{t.Passes()}, t.Rest()...)
	switch kind := s.Run.Kind(); {
	case kind == "verify":
		users := format.Plural(c.Total(), "user has", "users have")
		return fmt.Sprintf("Verified: %s of %s no pass.", format.Number(c.Total()-c.LeftOfPasses()), users)
	case kind != "revoke" && kind != "sweep":
		return ""
	case s.Run.DryRun:
		sentences[0] = s.wouldDelete(t.LeftPasses())
	case none && s.Stopped != nil && !s.ScanStopped:
		sentences[0] = "The run stopped before it deleted a pass."
	}
	if s.ScanStopped {
		sentences = append(sentences, results.Unseen)
	}
	return strings.Join(sentences, " ")
}

// wouldDelete returns how many passes and sessions a real run would delete and revoke.
func (s *summary) wouldDelete(left int) string {
	text := "Nothing was changed: the run would delete " + passes(s.Counts.Outcomes[results.Planned])
	if sessions := s.Counts.Sessions; sessions != nil {
		text += " and revoke the sessions of " + format.Plural(sessions.Outcomes[results.Planned], "user", "users")
	}
	if left > 0 {
		text += "; " + passes(left) + " cannot be deleted"
	}
	return text + "."
}

// sessionSentence returns for how many users of the whole log the sessions are revoked. It is empty without
// sessions, and for a dry run, because wouldDelete has both numbers.
func (s *summary) sessionSentence() string {
	c := s.Counts.Sessions
	if c == nil || s.Run.DryRun {
		return ""
	}
	all, kept := c.Total()-c.Outcomes[results.Protected], c.Outcomes[results.Protected]
	n, of := c.Outcomes[results.Revoked], format.Plural(all, "user", "users")
	if s.Run.Kind() == "verify" {
		n = c.Verified
	}
	if n < all {
		of = fmt.Sprintf("%d of %s", n, of)
	}
	text := "The sessions of " + of + " are revoked"
	switch {
	case s.Run.Kind() == "verify":
		text = "Verified: the sessions of " + of + " are revoked"
	case s.Run.Verify:
		text += fmt.Sprintf(", %d verified", c.Verified)
	}
	if kept > 0 {
		text += fmt.Sprintf("; %s protected and kept", format.Number(kept))
	}
	if guests := c.Outcomes[results.Guest]; guests > 0 {
		text += "; " + format.Plural(guests, "user is a guest", "users are guests") +
			": only the home tenant can revoke the sessions"
	}
	return text + "."
}

// resume returns the command that resumes the run. It is empty if nothing is left to do, or if there is no log
// to resume from.
func (s *summary) resume() string {
	again := s.Counts.Unverified + s.Counts.Sum(func(o results.Outcome) bool {
		return o.Retryable() && o != results.Remains && o != results.Protected
	})
	if sessions := s.Counts.Sessions; sessions != nil { // users with a call to send or to verify
		again += sessions.Unverified - s.neverCalled() + sessions.Sum(func(o results.Outcome) bool {
			return o.Retryable() && o != results.Protected
		})
	}
	if s.Scan != nil {
		again += s.Scan.Failed.Count // a resumed scan lists again whatever the reason
	}
	words := s.Run.ResumeWith(s.Results, false)
	switch {
	case again == 0 && s.Stopped == nil, len(words) == 0, !s.hasLog():
		return ""
	case slices.Contains(s.Run.Command, "-"):
		return "Resume with the same list on standard input: " + results.CommandLine(words)
	}
	return "Resume: " + results.CommandLine(words)
}

// revokeAgain returns the command that revokes the passes that remain, or that a dry run found. It is empty if
// there are none.
func (s *summary) revokeAgain() string {
	switch {
	case s.Run.Simulated, s.Incomplete, !s.hasLog():
	case s.Run.Kind() == "verify" && s.Counts.Sessions.All()[results.Remains]+s.neverCalled() > 0:
		return results.CommandLine(s.Run.RevokeSessionsWith(s.Results))
	case s.Counts.Outcomes[results.Remains] > 0, s.Run.Kind() != "verify" && s.rejected() > 0,
		s.Run.DryRun && s.Counts.Outcomes[results.Planned]+s.Counts.Sessions.All()[results.Planned] > 0:
		return results.CommandLine(s.Run.RevokeWith(s.Results))
	}
	return ""
}

// rejected returns the number of passes and users that a run with the log as its list tries again, and a resumed run
// does not.
func (s *summary) rejected() int {
	return s.Counts.Outcomes[results.Rejected] + s.Counts.Sessions.All()[results.Rejected]
}

// revokeAny returns the command that revokes passes that replaced others. It is empty if there are none.
func (s *summary) revokeAny() string {
	if s.Run.DryRun || s.Run.Simulated || s.Incomplete || !s.hasLog() || s.Counts.Outcomes[results.Replaced] == 0 {
		return ""
	}
	return results.CommandLine(s.Run.RevokeAnyWith(s.Results))
}

// neverCalled returns the number of users of a verify for whom the logs have no call that revoked the sessions. It
// returns 0 if the verify was stopped, because then a call may only not be verified.
func (s *summary) neverCalled() int {
	if s.Run.Kind() != "verify" || s.Stopped != nil {
		return 0
	}
	return s.Counts.Sessions.All()[results.NotSent]
}

// hasLog reports whether the log is a file, which another run can read.
func (s *summary) hasLog() bool {
	return s.Results != "" && s.Results != "-"
}

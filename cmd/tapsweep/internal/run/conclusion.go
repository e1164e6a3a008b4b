package run

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// conclusion writes one line with the result of the run and the command that resumes it. A second line has the
// command that deletes passes that the list does not name, or that a dry run found.
func (s *summary) conclusion(w io.Writer) {
	sentences := slices.DeleteFunc([]string{s.sentence(), s.sessionSentence(), s.resume()},
		func(text string) bool { return text == "" })
	again := s.revokeAgain()
	printIf(len(sentences) > 0, w, strings.Join(sentences, " "))
	printIf(again != "" && s.Run.DryRun, w, "To delete these passes: ", again)
	printIf(again != "" && !s.Run.DryRun, w, "To revoke what remains", s.including(), s.keeping(), ": ", again)
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

// unseen says that users may hold passes that a sweep does not know of.
const unseen = "the scan did not end, so users who were not scanned may hold passes"

// sentence returns how many passes of the whole log are gone. It is empty for a scan.
func (s *summary) sentence() string {
	c := &s.Counts
	left := c.LeftOfPasses() - c.Unverified
	all := c.Total() - c.Outcomes[results.Duplicate] - c.Outcomes[results.Protected]
	kind := s.Run.Kind()
	switch {
	case kind == "verify":
		return fmt.Sprintf("Verified: %d of %d users hold no pass.", all-left, all)
	case kind != "revoke" && kind != "sweep":
		return ""
	case s.Run.DryRun:
		return s.wouldDelete(left)
	case all == 0 && s.ScanStopped:
		return "No pass was deleted; " + unseen + "."
	case all == 0 && s.Stopped != nil:
		return "The run stopped before it deleted a pass."
	}
	text := "All " + passes(all) + " are gone"
	switch {
	case all == 0:
		text = "There was no pass to delete"
	case s.ScanStopped:
		text = fmt.Sprintf("%d of the %d passes found so far are gone; %s", all-left, all, unseen)
	case left > 0:
		text = fmt.Sprintf("%d of %d passes are gone; %d left: see above", all-left, all, left)
	case all == 1:
		text = "The pass is gone"
	}
	if n := c.Unverified; n > 0 {
		text += fmt.Sprintf("; %d could not be verified, because Graph did not list the passes of the user", n)
	}
	if n := c.Outcomes[results.Protected]; n > 0 {
		text += fmt.Sprintf("; %d protected, left alone", n)
	}
	return text + "."
}

// wouldDelete returns how many passes and sessions a real run would delete and revoke.
func (s *summary) wouldDelete(left int) string {
	text := "Nothing was changed: the run would delete " + passes(s.Counts.Outcomes[results.Planned])
	if sessions := s.Counts.Sessions; sessions != nil {
		text += " and revoke the sessions of " + format.Plural(sessions.Outcomes[results.Planned], "user", "users")
	}
	if left > 0 {
		text += fmt.Sprintf("; %s cannot be done: see above", rows(left))
	}
	if s.ScanStopped {
		text += "; " + unseen
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
	n, of := c.Outcomes[results.Revoked], format.Plural(c.Total(), "user", "users")
	if s.Run.Kind() == "verify" {
		n = c.Verified // nothing can prove it for a guest
	}
	if n < c.Total() {
		of = fmt.Sprintf("%d of %s", n, of)
	}
	switch {
	case s.Run.Kind() == "verify":
		return "Verified: the sessions of " + of + " are revoked."
	case s.Run.Verify:
		return fmt.Sprintf("The sessions of %s are revoked, %d verified.", of, c.Verified)
	}
	return "The sessions of " + of + " are revoked."
}

// resume returns the command that resumes the run. It is empty if nothing is left to do, or if there is no log
// to resume from.
func (s *summary) resume() string {
	again := s.Counts.Unverified + s.Counts.Sum(func(o results.Outcome) bool {
		return o.Retryable() && o != results.Remains && o != results.Protected
	})
	if sessions := s.Counts.Sessions; sessions != nil { // users with a call to send or to verify
		again += sessions.Unverified + sessions.Sum(results.Outcome.Retryable) - s.neverCalled()
	}
	if s.Scan != nil {
		again += s.Scan.Failed // a resumed scan lists again whatever the reason
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
	case s.Counts.Outcomes[results.Remains] > 0, s.Run.DryRun && s.Counts.Outcomes[results.Planned] > 0:
		return results.CommandLine(s.Run.RevokeWith(s.Results))
	}
	return ""
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
	return s.Results != "" && s.Results != "-" && results.CanResume(s.Results)
}

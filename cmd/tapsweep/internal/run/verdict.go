package run

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
)

// verdict writes in one line how the run ended, with the command that resumes it. A second line names
// the command that deletes passes which the list does not name, or which a dry run has found.
func (s *summary) verdict(w io.Writer) {
	sentences := slices.DeleteFunc([]string{s.sentence(), s.sessionSentence(), s.resume()},
		func(text string) bool { return text == "" })
	again := s.revokeAgain()
	printLines(w,
		summaryLine{len(sentences) > 0, strings.Join(sentences, " ")},
		summaryLine{again != "" && s.Run.DryRun, "To delete these passes: " + again},
		summaryLine{again != "" && !s.Run.DryRun, "To revoke what remains: " + again})
}

// sentence says how many of the passes of the whole log are gone. A scan has none.
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
	case all == 0:
		return "There was no pass to delete."
	}
	text := "All " + passes(all) + " are gone"
	switch {
	case left > 0:
		text = fmt.Sprintf("%d of %d passes are gone; %d left: see above", all-left, all, left)
	case all == 1:
		text = "The pass is gone"
	}
	if n := c.Unverified; n > 0 {
		text += fmt.Sprintf("; for %d it is not proven, because the passes of the user could not be listed afterwards",
			n)
	}
	return text + "."
}

// wouldDelete says what a run would delete, and whose sessions it would revoke.
func (s *summary) wouldDelete(left int) string {
	text := "Nothing was changed: the run would delete " + passes(s.Counts.Outcomes[results.Planned])
	if sessions := s.Counts.Sessions; sessions != nil {
		text += " and revoke the sessions of " + format.Plural(sessions.Outcomes[results.Planned], "user", "users")
	}
	if left > 0 {
		text += fmt.Sprintf("; %s cannot be done: see above", rows(left))
	}
	return text + "."
}

// sessionSentence says how many users' sessions are revoked, in the whole log. It is empty without
// sessions, and for a dry run, whose sentence has both.
func (s *summary) sessionSentence() string {
	c := s.Counts.Sessions
	if c == nil || s.Run.DryRun {
		return ""
	}
	n, of := c.Outcomes[results.Revoked], format.Plural(c.Total(), "user", "users")
	if n < c.Total() {
		of = fmt.Sprintf("%d of %s", n, of)
	}
	switch {
	case s.Run.Kind() == "verify":
		return "The sessions of " + of + " are verified to be revoked."
	case s.Run.Verify:
		return fmt.Sprintf("The sessions of %s are revoked, %d verified.", of, c.Verified)
	}
	return "The sessions of " + of + " are revoked."
}

// resume returns how to resume the run, empty if there is nothing left to do or nothing to resume from.
func (s *summary) resume() string {
	again := s.Counts.Unverified + toRepeat(s.Counts.Sessions)
	for o, n := range s.Counts.Outcomes {
		if o.Retryable() && o != results.Remains && o != results.Protected {
			again += n
		}
	}
	words := s.Run.ResumeWith(s.Results, false)
	switch {
	case again == 0 && s.Stopped == nil, len(words) == 0, !s.hasLog():
		return ""
	case slices.Contains(s.Run.Resume, "-"):
		return "Resume with the same list on standard input: " + results.CommandLine(words)
	}
	return "Resume: " + results.CommandLine(words)
}

// toRepeat returns the number of users for whom a run that resumes has a call to send or to verify.
func toRepeat(sessions *revoke.Counts) (n int) {
	if sessions == nil {
		return 0
	}
	n = sessions.Unverified
	for o, k := range sessions.Outcomes {
		if o.Retryable() {
			n += k
		}
	}
	return n
}

// revokeAgain returns the command that revokes what remains, or what a dry run has found.
func (s *summary) revokeAgain() string {
	sessions := s.Counts.Sessions
	switch {
	case s.Run.Simulated, s.Incomplete, !s.hasLog():
	case s.Run.Kind() == "verify" && sessions != nil && sessions.Outcomes[results.Remains] > 0:
		return results.CommandLine(s.Run.RevokeSessionsWith(s.Results))
	case s.Counts.Outcomes[results.Remains] > 0, s.Run.DryRun && s.Counts.Outcomes[results.Planned] > 0:
		return results.CommandLine(s.Run.RevokeWith(s.Results))
	}
	return ""
}

// hasLog reports whether another run can read the log: it is a file.
func (s *summary) hasLog() bool {
	return s.Results != "" && s.Results != "-" && results.CanResume(s.Results)
}

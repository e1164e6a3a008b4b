package run

import (
	"fmt"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
)

// verdict writes in one line how the run ended, with the command that continues. A second line names
// the command that deletes passes which the list does not name, or which a dry run has found.
func (s *summary) verdict() []line {
	resume, revoke := s.nextCommands()
	sentence := strings.TrimSpace(s.sentence() + s.sessionSentence() + resume)
	return []line{
		{sentence != "", sentence},
		{revoke != "" && s.Run.DryRun, "To delete these passes: " + revoke},
		{revoke != "" && !s.Run.DryRun, "To revoke what remains: " + revoke},
	}
}

// sentence says how many of the passes of the whole log are gone. Runs that delete nothing by their
// nature, such as a scan, have none.
func (s *summary) sentence() string {
	whole := s.whole()
	all := whole.Total() - whole.Outcomes[results.Duplicate]
	left, protected := whole.LeftOfPasses()-whole.Unverified, whole.Outcomes[results.Protected]
	done := all - left - protected
	switch kind := s.Run.Kind(); {
	case kind == "verify":
		return verified(done, left)
	case kind != "revoke" && kind != "sweep":
		return ""
	case s.Run.DryRun:
		return wouldDelete(whole.Outcomes[results.Planned], left, whole.Sessions)
	case all == 0 && s.Stopped != nil:
		return "The run stopped before it deleted a pass."
	case all == 0:
		return "There was no pass to delete."
	}
	text := fmt.Sprintf("All %s are gone", passes(done))
	switch {
	case left == 1 && all-protected == 1:
		text = "The pass is left: see above"
	case left > 0:
		text = fmt.Sprintf("%d of %s %s gone; %d %s left: see above", done, passes(all-protected), are(done), left,
			are(left))
	case done == 1:
		text = "The pass is gone"
	case done == 0:
		text = "No pass was to be deleted"
	}
	if protected > 0 {
		text += fmt.Sprintf("; %s of protected users %s left alone", passes(protected), are(protected))
	}
	if n := whole.Unverified; n > 0 {
		text += fmt.Sprintf(
			"; for %d it is not proven, because the passes of the user could not be listed afterwards", n)
	}
	return text + "."
}

// verified says what a verify run has shown.
func verified(done, left int) string {
	if left == 0 {
		return fmt.Sprintf("Verified: %s no pass.", holders(done))
	}
	return fmt.Sprintf("Verified: %d of %s %s no pass. %d %s a pass, or could not be checked: see above.", done,
		format.Plural(done+left, "user", "users"), hold(done), left, hold(left))
}

func hold(n int) string {
	if n == 1 {
		return "holds"
	}
	return "hold"
}

func holders(n int) string { return format.Plural(n, "user holds", "users hold") }

// wouldDelete says what a run would delete, and whose sessions it would revoke.
func wouldDelete(planned, left int, sessions *revoke.Counts) string {
	text := "Nothing was changed: the run would delete " + passes(planned)
	if planned == 0 {
		text = "Nothing was changed: the run would delete no pass"
	}
	if sessions != nil {
		text += " and revoke the sessions of " + format.Plural(sessions.Outcomes[results.Planned], "user", "users")
	}
	if left > 0 {
		text += fmt.Sprintf("; %s cannot be done: see above", rows(left))
	}
	return text + "."
}

func passes(n int) string { return format.Plural(n, "pass", "passes") }

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// nextCommands returns how to resume, in words that follow the sentence, and the command that revokes
// passes which remain, or which a dry run has found.
func (s *summary) nextCommands() (resume, revoke string) {
	if s.Run.Simulated || s.Results == "" || s.Results == "-" {
		return "", ""
	}
	whole := s.whole()
	again := whole.Unverified // which are looked at again
	for o, n := range whole.Outcomes {
		if o.Again() && o != results.Remains && o != results.Protected {
			again += n
		}
	}
	again += sessionsToRepeat(whole.Sessions)
	unfinished := again > 0 || s.Stopped != nil
	if !results.CanResume(s.Results) {
		if unfinished && !s.Incomplete {
			resume = " Resume: " + strings.TrimPrefix(s.complete(), "resume ")
		}
		return resume, ""
	}
	if words := s.Run.ResumeWith(s.Results, false); unfinished && len(words) > 0 {
		resume = " Resume: " + results.CommandLine(words)
		if slices.Contains(s.Run.Resume, "-") {
			resume = " Resume with the same list on standard input: " + results.CommandLine(words)
		}
	}
	// The row names the pass that is there, and the list may name one that is not.
	remain := whole.Outcomes[results.Remains] > 0 || s.Run.DryRun && whole.Outcomes[results.Planned] > 0
	switch sessions := whole.Sessions; {
	case s.Incomplete:
	case s.Run.Kind() == "verify" && sessions != nil && sessions.Outcomes[results.Remains] > 0:
		revoke = results.CommandLine(s.Run.RevokeSessionsWith(s.Results))
	case remain:
		revoke = results.CommandLine(s.Run.RevokeWith(s.Results))
	}
	return resume, revoke
}

package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// words are what a report says in the words of the command of its runs.
type words struct {
	Title    string
	Noun     string // what a row is about
	Nouns    string // the same, as a heading
	LeftNoun string // what is left to do
	Progress string // heading of the charts
	Left     string // heading of what is not done

	ended [3]string // exit codes 0, 1 and 64
}

// wordsByKind has the words of each command.
var wordsByKind = map[string]words{
	"revoke": {"Revocation of Temporary Access Passes", "pass", "Passes", "pass", "Passes completed over time",
		"What is not done",
		[3]string{"every pass is gone or protected", "some passes are left", "refused, nothing was sent"}},
	"sweep": {"Sweep of Temporary Access Passes", "pass", "Passes", "pass", "Passes completed over time",
		"What is not done",
		[3]string{"every pass that was found is gone or protected",
			"some passes could not be deleted, or some users could not be scanned", "refused, nothing was deleted"}},
	"scan": {"Scan for Temporary Access Passes", "pass", "Passes", "user", "Passes found over time",
		"Users that could not be scanned",
		[3]string{"every user was scanned", "some users could not be scanned", "refused, no user was scanned"}},
	"verify": {"Proof that Temporary Access Passes are gone", "user", "Users", "user", "Users checked over time",
		"Who holds a pass, or could not be checked",
		[3]string{"nobody holds a pass", "somebody holds a pass, or could not be checked",
			"refused, no user was checked"}},
}

var dryRunEnded = [3]string{"every pass can be revoked, or is gone or protected", "some passes cannot be revoked",
	"refused"}

// wordsOf returns the words of a command. A run whose command is not known is shown as revoke.
func wordsOf(kind string) words {
	if w, ok := wordsByKind[kind]; ok {
		return w
	}
	return wordsByKind["revoke"]
}

// Words are the words of the runs.
func (r *Report) Words() words { return wordsOf(r.kind) }

// kindOfRuns returns the command that changes most.
func kindOfRuns(runs []*Run) string {
	kinds := make(map[string]bool)
	for _, run := range runs {
		kinds[run.kind()] = true
	}
	for _, kind := range []string{"revoke", "sweep", "scan", "verify"} {
		if kinds[kind] && (kind == "sweep" || !kinds[""]) {
			return kind
		}
	}
	return "revoke"
}

// Pace is how much was completed in a second. It is empty if that is not known, and if verify ran too:
// the time of the report has the time of verify in it, and the pace does not.
func (r *Report) Pace() string {
	if r.kind != "verify" && slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.kind() == "verify" }) {
		return ""
	}
	pace, noun := r.PairsPerSecond, r.Words().Nouns
	if r.kind == "scan" && r.Seconds > 0 {
		pace, noun = float64(r.Users)/r.Seconds, "users"
	}
	if pace == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %s", pace, strings.ToLower(noun))
}

// OutcomeName is what people read in place of an outcome. verify revokes nothing.
func (r *Report) OutcomeName(o results.Outcome) string {
	if r.kind == "verify" && o == results.Revoked {
		return "no pass"
	}
	return string(o)
}

// Proof says for how many of the passes that are gone a LIST afterwards shows so. It is empty if no run verified.
func (r *Report) Proof() string {
	if r.Verified+r.Unverified == 0 || r.kind == "verify" {
		return ""
	}
	return fmt.Sprintf("%s of %s verified", format.Number(r.Verified), format.Number(r.deleted()))
}

// deleted is how many pairs have no pass any more.
func (r *Report) deleted() int { return r.Counts[results.Revoked] + r.Counts[results.Absent] }

// ExitText says how the run ended.
func (r *Run) ExitText() string {
	switch {
	case r.Exit == nil && r.resumed:
		return "none, the run was killed or could not write any more"
	case r.Exit == nil:
		return "none, the run was killed, could not write any more, or is still running"
	}
	ended := wordsOf(r.kind()).ended
	if r.DryRun {
		ended = dryRunEnded
	}
	code := *r.Exit
	texts := map[int]string{0: ended[0], 1: ended[1], 3: "no access, or everything was denied", 4: "stopped early"}
	text, known := texts[code]
	switch {
	case isRefusal(code):
		text = ended[2]
	case !known:
		return strconv.Itoa(code)
	case code == 1 && r.header.Sessions && r.header.Verify:
		text += ", or sessions are left, or something is not verified"
	case code == 1 && r.header.Sessions:
		text += ", or sessions are left"
	case code == 1 && r.header.Verify && r.kind() != "verify":
		text += ", or not verified"
	}
	return fmt.Sprintf("%d, %s", code, text)
}

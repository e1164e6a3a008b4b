package report

import (
	"cmp"
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// words are the words of a report that depend on the command of its runs.
type words struct {
	Title    string
	Noun     string // what a row of the table is
	Nouns    string // the same, as a heading
	LeftNoun string // what is left to do
	Progress string // heading of the chart
	Left     string // heading of what is not done
}

// wordsByKind has the words of each command.
var wordsByKind = map[string]words{
	"revoke": {"Revocation of Temporary Access Passes", "result", "Results", "pass", "Passes completed over time",
		"What is not done"},
	"sweep": {"Sweep of Temporary Access Passes", "result", "Results", "pass", "Passes completed over time",
		"What is not done"},
	"scan": {"Scan for Temporary Access Passes", "result", "Results", "user", "Passes found over time",
		"Users that could not be scanned"},
	"verify": {"Proof that Temporary Access Passes are gone", "user", "Users", "user", "Users checked over time",
		"Who has a pass, or could not be checked"},
}

// Words returns the words for the command of the runs.
func (r *Report) Words() words { return wordsByKind[r.kind] }

// kindOfRuns returns the command that changes most. If a command is not known, it returns revoke.
func kindOfRuns(runs []*ReportedRun) string {
	for _, kind := range []string{"", "revoke", "sweep", "scan", "verify"} {
		if slices.ContainsFunc(runs, func(run *ReportedRun) bool { return run.kind() == kind }) {
			return cmp.Or(kind, "revoke")
		}
	}
	return "revoke"
}

// Pace returns how many pairs were completed per second, such as "12.3 passes". It is empty if this is not known.
func (r *Report) Pace() string {
	pace, noun := r.PairsPerSecond, "passes"
	if r.kind == "verify" {
		noun = "users"
	}
	if r.kind == "scan" && r.Seconds > 0 {
		pace, noun = float64(r.Users)/r.Seconds, "users"
	}
	if pace == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %s", pace, noun)
}

// OutcomeName returns the name of an outcome for people. For verify, "revoked" becomes another name, because verify
// revokes nothing.
func (r *Report) OutcomeName(o results.Outcome) string {
	if r.kind == "verify" && o == results.Revoked {
		return "no pass"
	}
	return string(o)
}

// Proof returns how many of the passes that are gone are verified. It is empty if no run verified passes.
func (r *Report) Proof() string {
	if r.Verified+r.Unverified == 0 || r.kind == "verify" {
		return ""
	}
	return fmt.Sprintf("%s of %s verified", format.Number(r.Verified), format.Number(r.deleted()))
}

// deleted returns the number of pairs whose pass is gone.
func (r *Report) deleted() int { return r.Counts[results.Revoked] + r.Counts[results.Absent] }

package report

import (
	"fmt"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// All returns the number of rows, including rows of lists that the logs do not have.
func (r *Report) All() int { return plus(r.Pairs, r.WithoutRow) }

// Verdict returns one sentence about passes and one about sessions: what is done and what is left.
func (r *Report) Verdict() string {
	if r.Sessions == nil {
		return r.passVerdict()
	}
	text := r.passVerdict() + " " + r.Sessions.Verdict()
	if r.WithoutRow > 0 {
		text += " Users of rows without a result are not included."
	}
	return text
}

func (r *Report) passVerdict() string {
	switch {
	case r.kind == "scan":
		return r.scanVerdict()
	case r.kind == "verify":
		return r.verifyVerdict()
	case r.All() > 0:
		return r.revokeVerdict()
	case r.Users > 0:
		return fmt.Sprintf("No pass was deleted, %s scanned.", count(r.Users, "user")) + r.scanEnd()
	}
	return "The logs have no row about a pass."
}

func (r *Report) revokeVerdict() string {
	t := results.Tally{Rows: r.Counts, NoPass: r.NoPass, NoRow: r.WithoutRow, Unverified: r.Unverified,
		DryRun: r.DryRun, Scans: r.kind == "sweep", ScanStopped: r.scanEnd() != ""}
	return strings.Join(append([]string{t.Passes()}, t.Rest()...), " ") + r.scanEnd()
}

// Good reports whether nothing is left to do.
func (r *Report) Good() bool {
	return !r.lacks() && r.Left+r.Unverified+r.unverifiedUsers+r.Sessions.open() == 0 &&
		!slices.ContainsFunc(r.Runs, (*ReportedRun).unfinished)
}

// lacks reports whether lines of a log are missing.
func (r *Report) lacks() bool {
	return slices.ContainsFunc(r.Logs, func(lg ReportedLog) bool { return lg.Lacks != "" })
}

// scanEnd returns a sentence that says so if the scan ended early.
func (r *Report) scanEnd() (end string) {
	for _, run := range r.Runs {
		switch {
		case !run.unfinished():
		case run.refused():
			return " The run was refused."
		default:
			end = " " + results.Unseen
		}
	}
	return end
}

func (r *Report) scanVerdict() string {
	text := fmt.Sprintf("%s found, %s scanned", count(r.Counts[results.Found], "pass"), count(r.Users, "user"))
	if r.Left > 0 {
		text += fmt.Sprintf(", %s could not be scanned", format.Number(r.Left))
	}
	return text + "." + r.scanEnd()
}

func (r *Report) verifyVerdict() string {
	all, clear, holds := r.All(), r.deleted(), r.Counts[results.Remains]
	users, text := count(all, "user"), ""
	switch {
	case all == 0:
		return "The logs have no row about a user."
	case clear == all:
		return fmt.Sprintf("None of %s has a pass.", users)
	case holds == 0:
		text = fmt.Sprintf("%s of %s have no pass", format.Number(clear), users)
	default:
		text = fmt.Sprintf("%s of %s still %s a pass, %s have none",
			format.Number(holds), users, verb(holds, "has", "have"), format.Number(clear))
	}
	if n := all - clear - holds; n > 0 {
		text += fmt.Sprintf(", %s %s not checked", format.Number(n), verb(n, "was", "were"))
	}
	return text + "."
}

package report

import (
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// All is the number of pairs, including those without a row.
func (r *Report) All() int { return plus(r.Pairs, r.WithoutRow) }

// Verdict says what is done and what is left: in one sentence about passes, and one about sessions.
func (r *Report) Verdict() string {
	if r.Sessions != nil {
		return r.passVerdict() + " " + r.Sessions.Verdict()
	}
	return r.passVerdict()
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
		return fmt.Sprintf("No pass was deleted, %s looked at", count(r.Users, "user")) + r.scanEnd()
	}
	return "The logs tell of no pair."
}

func (r *Report) revokeVerdict() string {
	all, done := r.All(), "done"
	if r.DryRun {
		done = "ready to be revoked, or need nothing"
	}
	text := fmt.Sprintf("%s of %s %s %s", format.Number(r.Done), pairs(all), verb(r.Done, "is", "are"), done)
	switch {
	case r.Done == all && all == 1:
		text = "The one pair is " + done
	case r.Done == all:
		text = fmt.Sprintf("All %s are %s", pairs(all), done)
	}
	if left := plus(r.Left, r.WithoutRow); left > 0 {
		text += ", " + are(left) + " not"
	}
	if found := r.Counts[results.Found]; found > 0 {
		text += ", " + are(found) + " found and not touched"
	}
	if protected := r.Counts[results.Protected]; protected > 0 {
		text += fmt.Sprintf(", %s protected, left alone", format.Number(protected))
	}
	switch {
	case r.Unverified > 0 && all == 1:
		text += ", and not proven"
	case r.Unverified > 0:
		text += fmt.Sprintf("; %s of those that are done %s not proven",
			format.Number(r.Unverified), verb(r.Unverified, "is", "are"))
	}
	return text + r.scanEnd()
}

// scanEnd ends a sentence, and says whether the scan came to its end.
func (r *Report) scanEnd() string {
	end := "."
	for _, run := range r.Runs {
		switch {
		case !run.unfinished():
		case run.refused():
			return "; the run was refused."
		default:
			end = "; the scan has not come to its end."
		}
	}
	return end
}

func (r *Report) scanVerdict() string {
	text := fmt.Sprintf("%s found, %s looked at", count(r.Counts[results.Found], "pass"), count(r.Users, "user"))
	if r.Left > 0 {
		text += fmt.Sprintf(", %s could not be looked at", format.Number(r.Left))
	}
	return text + r.scanEnd()
}

func (r *Report) verifyVerdict() string {
	all, clear, holds := r.All(), r.deleted(), r.Counts[results.Remains]
	users, text := count(all, "user"), ""
	switch {
	case all == 0:
		return "The logs tell of no user."
	case clear == all:
		return fmt.Sprintf("None of %s holds a pass.", users)
	case holds == 0:
		text = fmt.Sprintf("%s of %s hold no pass", format.Number(clear), users)
	default:
		text = fmt.Sprintf("%s of %s still %s a pass, %s hold none",
			format.Number(holds), users, verb(holds, "holds", "hold"), format.Number(clear))
	}
	if n := all - clear - holds; n > 0 {
		text += fmt.Sprintf(", %s %s not looked at", format.Number(n), verb(n, "was", "were"))
	}
	return text + "."
}

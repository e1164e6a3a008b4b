package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tapsweep/cmd/tapsweep/internal/results"
)

// What is said of a scan, a proof and a run that deletes differs; so do the words.

// kindOfRuns is what the runs are shown as: what changes most.
func kindOfRuns(runs []*Run) string {
	kinds := make(map[string]bool)
	for _, run := range runs {
		kinds[run.kind()] = true
	}
	for _, kind := range []string{"revoke", "sweep", "scan", "verify"} {
		if kinds[kind] && !(kinds[""] && kind != "sweep") {
			return kind
		}
	}
	return "revoke"
}

// Title says what the runs were for.
func (r *Report) Title() string {
	switch r.kind {
	case "sweep":
		return "Sweep of Temporary Access Passes"
	case "scan":
		return "Scan for Temporary Access Passes"
	case "verify":
		return "Proof that Temporary Access Passes are gone"
	}
	return "Revocation of Temporary Access Passes"
}

// Noun is what a row tells of.
func (r *Report) Noun() string {
	switch r.kind {
	case "scan":
		return "pass"
	case "verify":
		return "user"
	}
	return "pair"
}

// Nouns is the plural, as a heading.
func (r *Report) Nouns() string {
	return map[string]string{"pass": "Passes", "user": "Users", "pair": "Pairs"}[r.Noun()]
}

// ProgressTitle is what the picture shows.
func (r *Report) ProgressTitle() string {
	return r.Nouns() + map[string]string{"pass": " found", "user": " looked at", "pair": " settled"}[r.Noun()] + " over time"
}

// Pace is how much a second, and empty if that is not known.
func (r *Report) Pace() string {
	pace, what := r.PairsPerSecond, r.Noun()+"s"
	if r.kind == "scan" && r.Seconds > 0 {
		pace, what = float64(r.Users)/r.Seconds, "users"
	}
	if pace == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %s", pace, what)
}

// LeftTitle heads what is not done.
func (r *Report) LeftTitle() string {
	switch r.kind {
	case "scan":
		return "Users that could not be looked at"
	case "verify":
		return "Who holds a pass, or could not be looked at"
	}
	return "What is not done"
}

// gone tells whether the reason in a row with the outcome is what its pass was, for it is
// there no more.
func gone(o results.Outcome) bool {
	return slices.Contains([]results.Outcome{results.Revoked, results.Absent, results.Duplicate, results.Replaced, results.UnknownUser, results.Unknown}, o)
}

// All is how many pairs there are, with those of which no row tells.
func (r *Report) All() int { return plus(r.Pairs, r.WithoutRow) }

// Verdict says in one sentence how it stands.
func (r *Report) Verdict() string {
	switch {
	case r.kind == "scan":
		return r.scanned()
	case r.kind == "verify":
		return r.proof()
	case r.All() == 0 && slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.unfinished() && run.refused() }):
		return fmt.Sprintf("Refused, and nothing was deleted; %s looked at.", count(r.Users, "user"))
	case r.All() == 0 && r.unfinished():
		return fmt.Sprintf("Nothing was deleted before the scan was stopped, %s looked at.", count(r.Users, "user"))
	case r.All() == 0 && r.Users > 0:
		return fmt.Sprintf("No pass was to be deleted, %s looked at.", count(r.Users, "user"))
	case r.All() == 0:
		return "The logs tell of no pair."
	}
	all, left, found, kept := r.All(), plus(r.Left, r.WithoutRow), r.Counts[results.Found], r.Counts[results.Protected]
	done, end := "done", "."
	if r.DryRun {
		done = "ready to be revoked, or need nothing"
	}
	if r.unfinished() {
		end = "; the scan has not come to its end."
	}
	if n := r.Unverified; n > 0 && all == 1 {
		end = ", and not proven" + end
	} else if n > 0 {
		end = fmt.Sprintf("; %s of those that are done %s not proven", number(n), are(n)) + end
	}
	if left == 0 && found == 0 && kept == 0 {
		if all == 1 {
			return fmt.Sprintf("The one pair is %s%s", done, end)
		}
		return fmt.Sprintf("All %s are %s%s", pairs(all), done, end)
	}
	text := fmt.Sprintf("%s of %s %s %s", number(r.Done), pairs(all), are(r.Done), done)
	if left > 0 {
		text += fmt.Sprintf(", %s %s not", number(left), are(left))
	}
	if found > 0 {
		text += fmt.Sprintf(", %s %s found and not touched", number(found), are(found))
	}
	if kept > 0 {
		text += ", " + leftAlone(kept)
	}
	return text + end
}

// leftAlone says how many rows are of protected users. They are not failures.
func leftAlone(n int) string { return number(n) + " protected, left alone" }

// unfinished tells whether users were not looked at because a scan was stopped.
func (r *Report) unfinished() bool {
	return slices.ContainsFunc(r.Runs, (*Run).unfinished)
}

// scanned says what a scan saw.
func (r *Report) scanned() string {
	text := fmt.Sprintf("%s found, %s looked at", count(r.Counts[results.Found], "pass"), count(r.Users, "user"))
	if r.Left > 0 {
		text += fmt.Sprintf(", %s could not be looked at", number(r.Left))
	}
	if r.unfinished() {
		return text + "; the scan has not come to its end."
	}
	return text + "."
}

// proof says what tapsweep verify saw.
func (r *Report) proof() string {
	holds := r.Counts[results.Remains]
	clear, text := 0, ""
	for _, o := range []results.Outcome{results.Revoked, results.Absent} {
		clear += r.Counts[o]
	}
	switch {
	case r.All() == 0:
		return "The logs tell of no user."
	case clear == r.All():
		return fmt.Sprintf("None of %s holds a pass.", count(clear, "user"))
	case holds == 0:
		text = fmt.Sprintf("%s of %s hold no pass", number(clear), count(r.All(), "user"))
	default:
		text = fmt.Sprintf("%s of %s still %s a pass, %s hold none", number(holds), count(r.All(), "user"), verb(holds, "holds", "hold"), number(clear))
	}
	if n := r.All() - clear - holds; n > 0 {
		text += fmt.Sprintf(", %s %s not looked at", number(n), verb(n, "was", "were"))
	}
	return text + "."
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func are(n int) string { return verb(n, "is", "are") }

// Proof says how much of what is gone was seen to be, and is empty if nobody looked.
func (r *Report) Proof() string {
	gone := r.Counts[results.Revoked] + r.Counts[results.Absent]
	if r.Verified+r.Unverified == 0 || r.kind == "verify" {
		return ""
	}
	return fmt.Sprintf("%s of %s verified", number(r.Verified), number(gone))
}

// meaning says what an outcome is, in few words.
func (r *Report) meaning(o results.Outcome) string {
	said := map[results.Outcome]string{
		results.Revoked:   "the pass was deleted",
		results.Absent:    "the user holds no pass",
		results.Duplicate: "an earlier row names the same pair",
		results.Planned:   "dry run: this pass would be deleted",
		results.Found:     "a scan found this pass; it was not touched",
		results.Remains:   "a look afterwards shows a pass",
	}
	switch r.kind {
	case "verify":
		said[results.Revoked] = "deleted before; a look shows no pass"
		said[results.Remains] = "the user holds a pass"
		said[results.NotSent] = "not looked at: the run stopped before"
		said[results.Failed] = "could not be looked at: errors to the last attempt"
		said[results.Denied] = "could not be looked at: Graph answers 403"
	case "scan":
		said[results.Failed] = "the user could not be looked at: errors to the last attempt"
		said[results.Denied] = "the user could not be looked at: Graph answers 403"
	}
	if text := said[o]; text != "" {
		return text
	}
	return hints[o]
}

// Notes are what a reader has to know before all else.
func (r *Report) Notes() (notes []string) {
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.DryRun {
		say("This was a dry run: nothing was changed.")
	}
	if slices.ContainsFunc(r.Runs, func(run *Run) bool { return run.header.Simulated }) {
		say("This was a drill against a simulated tenant.")
	}
	for _, run := range r.Killed() {
		if run.resumed {
			say("The run of %s was killed, or could not write on; a later one went on with it.", moment(run.Start))
			continue
		}
		say("The run of %s was killed, could not write on, or is still going on: %s has no last line of it.", moment(run.Start), run.Log)
	}
	for _, run := range r.Runs {
		switch {
		case !run.unfinished():
		case run.refused():
			say("The run of %s was refused: %s.", moment(run.Start), run.Stopped)
		case run.Stopped != "":
			say("The scan of %s was stopped: %s. Users that it had not come to were not looked at.", moment(run.Start), run.Stopped)
		default:
			say("Users that the scan of %s had not come to were not looked at.", moment(run.Start))
		}
	}
	for _, lg := range r.Logs {
		if lg.copied {
			say("%s is a copy: its runs stand in another log, too, and count once.", lg.Name)
		}
		if lg.Torn {
			say("The last line of %s is torn and was left out.", lg.Name)
		}
		if lg.Stray > 0 {
			say("%s.", strayWords(lg.Name, lg.Stray, lg.strayAt))
		}
	}
	switch {
	case r.WithoutRow > 0 && r.kind == "verify":
		say("No row tells of %s: the run ended before they were looked at.", count(r.WithoutRow, "user"))
	case r.WithoutRow > 0:
		say("No row tells what became of %s; requests may have been sent for some.", pairs(r.WithoutRow))
	}
	if q, ok := r.offline(); ok {
		say("There was no connection for %s in all, in which nothing could be sent.", seconds(q.Seconds))
	}
	if n := r.Unverified; n > 0 && r.kind != "verify" {
		what := "deleted"
		if r.Counts[results.Absent] > 0 {
			what = "deleted, or found absent,"
		}
		say("%s %s %s and not verified.", pairs(n), verb(n, "was", "were"), what)
	}
	if n := r.beside; n > 0 {
		say("In place of %s a look afterwards found others of the same users: each has a row, and the later one counts.", count(n, "pass"))
	}
	if n := r.further; n > 0 {
		say("%s of users who had several %s an additional row; the last row counts for the pair.",
			count(n, "pass"), verb(n, "has", "have"))
	}
	if r.noLook > 0 {
		say("The proof is not complete: %s %s not looked at.", count(r.noLook, "user"), verb(r.noLook, "was", "were"))
	}
	if odd := verb(r.odd, "a time or number", number(r.odd)+" times or numbers"); r.odd > 0 {
		say("The logs have %s that cannot be, such as years before 2000; they were left out, or cut.", odd)
	}
	return notes
}

var exitTexts = map[string][]string{
	"":        {"every pair is done or protected", "some pairs are not done", "refused, nothing was sent", "no access, or everything was denied", "stopped early"},
	"sweep":   {"all that was found is done", "some passes could not be deleted, or users looked at", "refused, nothing was deleted", "no access, or everything was denied", "stopped early"},
	"scan":    {"everybody was looked at", "some users could not be looked at", "refused, nobody was looked at", "no access, or everything was denied", "stopped early"},
	"dry run": {"all of it could be revoked, or needs nothing", "some of it could not be revoked", "refused", "no access, or everything was denied", "stopped early"},
	"verify":  {"nobody holds a pass", "somebody holds a pass, or could not be looked at", "refused, nobody was looked at", "no access, or everything was denied", "stopped early"},
}

// ExitText says how the run ended.
func (r *Run) ExitText() string {
	switch {
	case r.Exit == nil && r.resumed:
		return "none, the run was killed, or could not write on"
	case r.Exit == nil:
		return "none, the run was killed, could not write on, or is still going on"
	}
	texts := exitTexts[r.kind()]
	if r.DryRun {
		texts = exitTexts["dry run"]
	}
	if texts == nil {
		texts = exitTexts[""]
	}
	if *r.Exit == 1 && r.header.Verify && r.kind() != "verify" {
		return "1, " + texts[1] + ", or were not proven to be gone"
	}
	meaning := *r.Exit
	if isRefusal(meaning) {
		meaning = 2 // its place in texts
	}
	if meaning >= 0 && meaning < len(texts) {
		return fmt.Sprintf("%d, %s", *r.Exit, texts[meaning])
	}
	return strconv.Itoa(*r.Exit)
}

// count is a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return number(n) + " " + noun + "es"
	}
	return number(n) + " " + noun + "s"
}

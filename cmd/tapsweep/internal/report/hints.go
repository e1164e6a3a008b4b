package report

import "tapsweep/cmd/tapsweep/internal/results"

// hints maps each outcome that is not done to what is left to do.
var hints = map[results.Outcome]string{
	results.Remains:     "a pass is there all the same; the row names it",
	results.Replaced:    "the user holds another pass; list the user alone to revoke it",
	results.UnknownUser: "no such user in this tenant; check the name, or use the object id",
	results.Denied:      "Graph answers 403",
	results.Rejected:    "Graph refuses the request itself; the message is in the results log",
	results.Failed:      "errors to the last attempt; try again later",
	results.Unknown:     "sent, and no answer came; a further run finds out",
	results.NotSent:     "the run stopped before",
	results.Protected:   "on a --protect list; to revoke them anyway, run a separate list of them without --protect",
	results.Invalid:     "not a user and a pass; fix the rows and run them again",
}

// Hint returns what is left to do for rows with an outcome, empty if that is nothing.
func Hint(o results.Outcome) string { return hints[o] }

package results

// meanings say what became of a pair, and what is left to do about it. The README's table of outcomes has
// the same texts.
var meanings = map[Outcome]string{
	Revoked:     "the pass was deleted, or was gone after a lost answer",
	Absent:      "the user holds no pass",
	Planned:     "dry run: this pass would be deleted",
	Found:       "the user holds this pass; the run did not delete it",
	Duplicate:   "an earlier row names the same pair",
	Remains:     "the user still holds a pass; the row names it",
	Replaced:    "the user holds another pass; list the user alone to revoke it",
	UnknownUser: "no such user in this tenant; check the name, or use the object id",
	Denied:      "Graph answers 403",
	Rejected:    "Graph refuses the request itself; the message is in the results log",
	Failed:      "every attempt failed; try again later",
	Unknown:     "sent, and no answer came; another run finds out",
	NotSent:     "the run stopped before it was sent",
	Protected:   "on a --protect list; to revoke them anyway, run a separate list of them without --protect",
	Invalid:     "not a user and a pass; fix the rows and run them again",
}

// Meaning says in one line what the outcome means and, where something is left to do, what to do. It is
// empty for an outcome of another version.
func (o Outcome) Meaning() string { return meanings[o] }

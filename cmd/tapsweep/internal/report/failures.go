package report

import (
	"cmp"
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A Failure is a group of pairs that are not done for the same reason.
type Failure struct {
	Outcome  results.Outcome `json:"outcome"`
	Code     string          `json:"code"`   // Graph's
	Status   int             `json:"status"` // HTTP, 0 if there was no answer
	Hint     string          `json:"hint"`
	Count    int             `json:"count"`
	Examples []string        `json:"examples"` // some of the users

	index int          // in Report.Failures
	tasks map[task]int // how many each task tries again
}

// Index is the place of the Failure in Report.Failures, and -1 if it is not there.
func (f *Failure) Index() int { return f.index }

// Title names a group of failures.
func (f *Failure) Title() string {
	title := string(f.Outcome)
	if f.Status >= 300 {
		title += fmt.Sprintf(" %d", f.Status)
	}
	if f.Code != "" {
		title += " " + f.Code
	}
	return title
}

// A cause is what the pairs of a Failure have in common.
type cause struct {
	outcome results.Outcome
	code    string
	status  int
	hint    string
}

// causeOf returns the cause of a row, or the cause of all that there is no room for.
func (r *Report) causeOf(row *Row) cause {
	c := cause{row.Outcome, row.Code, row.Status, cmp.Or(row.Hint, row.Outcome.Meaning())}
	if r.causes[c] == nil && len(r.causes) >= maxFailures {
		return cause{row.Outcome, otherGroups, 0, row.Outcome.Meaning()}
	}
	return c
}

// fail counts a row of a pair that is not done.
func (r *Report) fail(row *Row) {
	c := r.causeOf(row)
	f := r.causes[c]
	if f == nil {
		f = &Failure{Outcome: c.outcome, Code: c.code, Status: c.status, Hint: c.hint, Examples: []string{},
			tasks: make(map[task]int)}
		r.causes[c] = f
		r.Failures = append(r.Failures, f)
	}
	f.Count++
	f.tasks[taskOf(row)]++
	if len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, cmp.Or(row.UPN, row.User))
	}
}

// sortFailures puts the most frequent first.
func (r *Report) sortFailures() {
	slices.SortFunc(r.Failures, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Hint, b.Hint))
	})
	for i, f := range r.Failures {
		f.index = i
	}
}

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"tapsweep/cmd/tapsweep/internal/results"
)

// A Failure is a group of pairs, or of users with their sessions, that are not done for the same reason.
type Failure struct {
	failureCause
	Count    int      `json:"count"`
	Examples []string `json:"examples"` // some of the users

	tasks map[nextTask]int // how many each task tries again
}

// Title returns the name of the group.
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

// A failureCause is what the rows of a Failure have in common.
type failureCause struct {
	Outcome results.Outcome `json:"outcome"`
	Code    string          `json:"code"`   // the error code of Graph
	Status  int             `json:"status"` // the HTTP status, 0 if there was no answer
	Hint    string          `json:"hint"`
}

// failures has Failures by cause.
type failures map[failureCause]*Failure

// causeOf returns the cause of a row. If there are too many causes, it returns the common cause for the rest.
func (f failures) causeOf(row *reportedRow) failureCause {
	meaning := row.Outcome.Meaning()
	if row.Action == results.RevokeSessions {
		meaning = row.Outcome.SessionMeaning()
	}
	c := failureCause{row.Outcome, row.Code, row.Status, cmp.Or(row.Hint, meaning)}
	if f[c] == nil && len(f) >= maxFailures {
		return failureCause{row.Outcome, otherGroups, 0, meaning}
	}
	return c
}

// add counts a row that is not done.
func (f failures) add(row *reportedRow) {
	c := f.causeOf(row)
	group := f[c]
	if group == nil {
		group = &Failure{failureCause: c, Examples: []string{}, tasks: make(map[nextTask]int)}
		f[c] = group
	}
	group.Count++
	group.tasks[taskOf(row)]++
	if len(group.Examples) < maxExamples {
		group.Examples = append(group.Examples, cmp.Or(row.UPN, row.User))
	}
}

// sorted returns the groups, the most frequent first.
func (f failures) sorted() []*Failure {
	groups := slices.AppendSeq([]*Failure{}, maps.Values(f))
	slices.SortFunc(groups, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Hint, b.Hint))
	})
	return groups
}

package report

import (
	"slices"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/results"
)

// A step says how to finish some of the work that is left: the causes, and the command to run.
type step struct {
	Heading       string
	Causes        []causeCount
	Command, Note string // as in NextCommand
}

// A causeCount is how many passes of a Failure one step is about; 0 if that is not known.
type causeCount struct {
	*Failure
	Count int
}

// Times is the count with a space, or empty if it is not known.
func (c causeCount) Times() string {
	if c.Count == 0 {
		return ""
	}
	return format.Number(c.Count) + " "
}

// steps returns how to finish the work that is left. Each command has one step. The last step has the rows
// that no command tries again.
func (r *Report) steps() (steps []step) {
	for i := range r.Resume {
		c := &r.Resume[i]
		s := step{Heading: c.Heading(), Command: c.Command, Note: c.Note, Causes: r.causesFor(c.task)}
		s.add(c.withoutRow, "no row", r.whyNoRow()+"; requests may have been sent for some")
		s.add(c.unverified, "not verified", "gone, and no LIST since then shows that the user holds no pass")
		if c.Left == 0 {
			s.Causes = append(s.Causes, causeCount{&Failure{Outcome: "not scanned", index: -1,
				Hint: "the scan ended early"}, 0})
		}
		steps = append(steps, s)
	}
	if causes := r.causesFor(task{}); len(causes) > 0 {
		steps = append(steps, r.lastStep(causes))
	}
	return steps
}

// add adds a cause that has no Failure.
func (s *step) add(n int, name results.Outcome, hint string) {
	if n > 0 {
		s.Causes = append(s.Causes, causeCount{&Failure{Outcome: name, Hint: hint, index: -1}, n})
	}
}

// causesFor returns the causes of what a task tries again. Those of a task without a command are
// with the zero task.
func (r *Report) causesFor(want task) (causes []causeCount) {
	for _, f := range r.Failures {
		n := 0
		for t, count := range f.tasks {
			if !slices.ContainsFunc(r.Resume, func(c NextCommand) bool { return c.task == t }) {
				t = task{}
			}
			if t == want {
				n += count
			}
		}
		if n > 0 {
			causes = append(causes, causeCount{f, n})
		}
	}
	return causes
}

// lastStep returns the step for what no command tries again. Where rows came from a list, a list
// with other rows helps.
func (r *Report) lastStep(causes []causeCount) step {
	n := 0
	for _, c := range causes {
		n += c.Count
	}
	run := &r.Runs[len(r.Runs)-1].header
	if r.kind != "revoke" {
		return step{Heading: count(n, r.Words().LeftNoun) + " that no run tries again", Causes: causes,
			Note: "fix the cause first"}
	}
	s := step{Heading: count(n, "pass") + ": fix " + verb(n, "its row", "their rows") + " of the list", Causes: causes}
	if s.Command, s.Note = ListCommand("fixed.csv", run); s.Command != "" {
		s.Note = "after you write the fixed rows to fixed.csv"
	}
	return s
}

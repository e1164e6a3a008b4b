package main

import (
	"bytes"
	"fmt"
	"io"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/preflight"
	"tapsweep/cmd/tapsweep/internal/status"
)

// preflight tells what the token may do for the task, and refuses what it surely
// cannot do. The block goes to w either way.
func (t *tenant) preflight(w io.Writer, task preflight.Task) error {
	t.token.Print(w, task)
	problem := t.token.Check(task, t.wanted)
	if problem == nil {
		return nil
	}
	err := refuseToken(problem)
	err.Hints = append(err.Hints, "if you know better than this token tells: --no-preflight")
	return err
}

func refuseToken(p *preflight.Problem) *status.Error {
	return &status.Error{Code: status.NoAccess, Err: fmt.Errorf("%w\nnothing was sent", p), Hints: p.Hints}
}

// preflight checks the token against the task. A quiet run holds back what it
// prints. Without a preflight there is what could not be compared, and no more.
func (r *runOf) preflight(task preflight.Task, quiet bool) (err error) {
	r.asked = task
	var block bytes.Buffer
	if r.flags.noPreflight {
		for _, doubt := range r.tenant.token.Doubts {
			fmt.Fprintf(&block, "warning: %s\n", doubt)
		}
		task.PrintSince(&block)
	} else {
		err = r.tenant.preflight(&block, task)
	}
	if r.list != nil && r.list.Stats().Named > 0 {
		fmt.Fprintf(&block, "%s an object ID and a name: the object ID decides, and the name is not checked\n",
			format.Plural(r.list.Stats().Named, "row gives", "rows give"))
	}
	if err == nil && quiet {
		r.held = block.Bytes()
		return nil
	}
	r.stderr.Write(block.Bytes())
	return err
}

// task is what the list asks of the token. A list of nothing but the signed-in user's
// own names asks less than one of others.
func (r *runOf) task(readOnly bool) preflight.Task {
	self, token := r.list.IsSelf(), r.tenant.token
	task := preflight.Task{ReadOnly: readOnly, Own: self, Others: !self}
	if self || len(token.Self) == 0 {
		return task
	}
	for pair, err := range r.list.Pairs() {
		if err != nil || pair.Err == nil && !token.Is(pair.User) {
			return task // an error comes again when the list is read to be worked off
		}
	}
	task.Named, task.Others = true, false
	return task
}

package run

import (
	"bytes"
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/preflight"
)

// preflight checks the token against the task. A quiet run keeps back what it would print.
// Without a preflight only what could not be compared is printed.
func (r *run) preflight(task preflight.Task, quiet bool) (err error) {
	r.requiredAccess = task
	var block bytes.Buffer
	if r.opts.NoPreflight {
		for _, doubt := range r.tenant.Token.Doubts {
			fmt.Fprintf(&block, "warning: %s\n", doubt)
		}
		task.PrintSince(&block)
	} else {
		err = r.tenant.Check(&block, task)
	}
	if r.list != nil && r.list.Stats().Named > 0 {
		fmt.Fprintf(&block, "%s an object ID and a name: the object ID decides, and the name is not checked\n",
			format.Plural(r.list.Stats().Named, "row gives", "rows give"))
	}
	if err == nil && quiet {
		r.heldPreflight = block.Bytes()
		return nil
	}
	r.console.Err.Write(block.Bytes())
	return err
}

// printHeldPreflight prints the preflight that a quiet run kept back, because a failed run should
// show everything.
func (r *run) printHeldPreflight() {
	r.console.Err.Write(r.heldPreflight)
	r.heldPreflight = nil
}

// task is what the list needs of the token. A list of nothing but the signed-in user's own names
// needs less than one of others.
func (r *run) task(readOnly bool) preflight.Task {
	self, token := r.list.IsSelf(), r.tenant.Token
	task := preflight.Task{ReadOnly: readOnly, Own: self, Others: !self}
	if self || len(token.Self) == 0 {
		return task
	}
	for pair, err := range r.list.Pairs() {
		if err != nil || pair.Err == nil && !token.Is(pair.User) {
			return task // an error comes again when the list is read for the work
		}
	}
	task.Named, task.Others = true, false
	return task
}

package run

import (
	"bytes"
	"errors"
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
	stats, token := r.list.Stats(), r.tenant.Token
	task := preflight.Task{ReadOnly: readOnly, Own: stats.Me > 0, Others: stats.Unique > stats.Me}
	if !task.Others || len(token.Self) == 0 {
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

// errNoUser is why rows "me" are refused where an app is signed in.
var errNoUser = errors.New("\"me\" means whoever is signed in, and that is an app, not a user: name the user")

// leaveOutMe marks rows "me" as invalid if an app is signed in, if bad rows are to be left out and
// others remain.
func (r *run) leaveOutMe(skipInvalid bool) {
	if r.tenant.Token.Kind == preflight.App && skipInvalid && r.list.Stats().Unique > r.list.Stats().Me {
		r.list.RefuseMe(errNoUser)
	}
}

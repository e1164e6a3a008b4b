package main

import (
	"errors"

	"tapsweep/batch"
)

// blockedCode returns the exit code of a run whose batches were all refused. See
// batch.ErrBlocked.
func blockedCode(err error) int {
	if whole, ok := errors.AsType[*batch.StatusError](err); ok && (whole.Status == 401 || whole.Status == 403) {
		return exitAuth
	}
	return exitStopped
}

// blocked returns the error with which a command ends if all its batches were refused before
// any pass was deleted. It returns nil for other errors.
func (t *tenant) blocked(err error) error {
	if !errors.Is(err, batch.ErrBlocked) {
		return nil
	}
	return &exitError{code: blockedCode(err), err: err, hints: t.hints(err)}
}

// blockedHints returns hints on what to do after batch.ErrBlocked.
func blockedHints(err error) []string {
	hints := []string{"no request in these batches was carried out: check what is in front of Graph, " +
		"such as HTTPS_PROXY, a gateway behind --graph-url or a firewall"}
	if blockedCode(err) == exitAuth {
		hints = append(hints, "a policy can also block this app, this person or this machine's address: "+
			"an administrator can find it in the Entra sign-in log")
	}
	return append(hints, "then run the same command with --resume")
}

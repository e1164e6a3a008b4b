package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// findCreator looks up the user that --created-by names. A record of the audit log has the
// user principal name at the time of the event, so records are matched by the user's other
// names as well. If Graph cannot be reached, the command ends. If the lookup fails otherwise, the
// summary says so: no record matches a name that does not exist, and that must not look like an
// all-clear.
func (r *run) findCreator(ctx context.Context, audit *scan.Audit) error {
	if audit == nil || audit.By == "" {
		return nil
	}
	name := strings.TrimSpace(audit.By)
	user := input.User{UPN: name}
	doubt := func(format string, args ...any) {
		r.summary.CreatorDoubt = fmt.Sprintf(format, append([]any{safetext.Printable(name)}, args...)...)
	}
	switch {
	case format.IsGUID(name):
		user = input.User{ID: name}
	case input.CheckUser(name) != nil:
		doubt("could not check that an app named %s exists: tapsweep does not ask for permission to read apps")
		return nil
	}
	if !r.mayTryLookUp() {
		doubt("could not check that user %s exists: the token lacks %s", lookUpPermission)
		return nil
	}
	found, err := protect.LookUp(ctx, r.runner, user)
	answer, answered := errors.AsType[*batch.StatusError](err)
	if err != nil && (ctx.Err() != nil || status.Known(err)) {
		return r.ended(ctx, err)
	}
	switch {
	case err == nil:
		audit.Names = []string{found.ID, found.UPN}
	case answered && answer.Status == 404 && user.ID != "":
		doubt("no user has the object id %s; it was not checked whether an app has it")
	case answered && answer.Status == 404:
		doubt("the tenant has no user %s: check the spelling (a deleted account is not found either)")
	default:
		doubt("could not check that user %s exists: %s", safetext.Printable(err.Error()))
	}
	return nil
}

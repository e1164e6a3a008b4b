package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/input"
)

// namePatience is how long a run waits to learn which users are listed under two names.
const namePatience = 10 * time.Second

// lookUpNames finds out which users are listed by object ID and by user principal name. Its own runner gives
// up soon. An error means that some of these users are not known. A row that has both names does not help,
// because nobody checks that both belong to the same user.
func (r *run) lookUpNames(ctx context.Context) error {
	asked, ids := make(map[string]bool), make(map[string]bool)
	var rows []input.User
	for pair, err := range r.everybody() {
		switch user := strings.ToLower(pair.User); {
		case err != nil:
			return nil // the run will report the error
		case pair.Err != nil || r.isSelf(user) || r.isProtectedName(user):
		case !strings.Contains(user, "@"):
			ids[user] = true
		case !asked[user]:
			asked[user], rows = true, append(rows, input.User{UPN: user})
		}
	}
	stopped, cancel := context.WithTimeoutCause(ctx, namePatience, fmt.Errorf("not known within %v", namePatience))
	defer cancel()
	runner, err := batch.NewRunner(r.tenant.Client, batch.Options{MaxAttempts: 2, Grace: -1, MaxWait: namePatience,
		StallTimeout: namePatience, Headers: r.opts.headers(), Logger: r.opts.Logger})
	if err != nil {
		return err
	}
	answers, err := protect.LookUpAll(stopped, runner, rows, r.noLookUps())
	if ctx.Err() != nil {
		return nil // the run will report why it stops
	}
	r.names = make(map[string]string)
	for i, a := range answers {
		answer, _ := errors.AsType[*batch.StatusError](a.Err)
		switch {
		case a.Err == nil && ids[strings.ToLower(a.User.ID)]:
			r.names[rows[i].UPN] = a.User.ID
		case a.Err != nil && (answer == nil || answer.Status != 404): // the delete will report a 404
			err = cmp.Or(err, a.Err)
		}
	}
	return err
}

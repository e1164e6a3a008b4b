package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/pass"
)

// namePatience is how long a run waits to learn which users are listed under two names.
const namePatience = 10 * time.Second

// lookUpNames finds out which users are listed by object ID and by user principal name. Its own runner gives
// up soon. An error means that some of these users are not known. A row that has both names does not help,
// because nobody checks that both belong to the same user.
func (r *run) lookUpNames(ctx context.Context) error {
	if !r.mayTryLookUp() {
		return errors.New("the token lacks " + lookUpPermission)
	}
	asked, ids := make(map[string]bool), make(map[string]bool)
	for pair, err := range r.everybody() {
		switch user := strings.ToLower(pair.User); {
		case err != nil:
			return nil // the run will report the error
		case pair.Err != nil || r.isSelf(user) || r.isProtectedName(user):
		case strings.Contains(user, "@"):
			asked[user] = true
		default:
			ids[user] = true
		}
	}
	stopped, cancel := context.WithTimeoutCause(ctx, namePatience, fmt.Errorf("not known within %v", namePatience))
	defer cancel()
	runner, err := batch.NewRunner(r.tenant.Client, batch.Options{MaxAttempts: 2, Grace: -1, MaxWait: namePatience,
		StallTimeout: namePatience, Headers: r.opts.headers(), Logger: r.opts.Logger})
	if err != nil {
		return err
	}
	var failed error
	r.names = make(map[string]string)
	err = runner.Run(stopped, lookUps(asked), func(res batch.Result) []batch.Request {
		var user struct{ ID string }
		switch {
		case res.Err != nil:
			failed = res.Err
		case res.Response.Status == 404: // the delete will report it
		case res.Response.Status != 200:
			failed = res.Response.StatusError()
		case json.Unmarshal(res.Response.Body, &user) == nil && ids[strings.ToLower(user.ID)]:
			r.names[res.Request.Tag.(string)] = user.ID
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil // the run will report why it stops
	}
	return cmp.Or(err, failed)
}

// lookUps yields a request for the object ID of each user.
func lookUps(users map[string]bool) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for user := range users {
			url := pass.UserURL(user) + "?$select=id"
			if !yield(batch.Request{Method: "GET", URL: url, Quota: pass.ProofQuota, Tag: user}) {
				return
			}
		}
	}
}

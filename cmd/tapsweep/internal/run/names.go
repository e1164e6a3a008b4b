package run

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/pass"
)

// namePatience is how long sessions wait to know which users have two names.
const namePatience = time.Minute

// askPatience is how long the question waits to know it, and the longest wait that Graph may ask for.
const askPatience = 10 * time.Second

// lookUpNames begins to find out which users are on the list by id and by user principal name. Nothing
// waits for it but the sessions, and the deletes have a runner of their own. The names that a list has
// beside its ids are not checked, so they say nothing.
func (r *run) lookUpNames(ctx context.Context) error {
	asked, ids := make(map[string]bool), make(map[string]bool)
	for pair, err := range r.everybody() {
		switch user := strings.ToLower(pair.User); {
		case err != nil:
			return err
		case pair.Err != nil || r.protected(pair.User):
		case !strings.Contains(user, "@"):
			ids[user] = true
		case pair.FirstOf == nil && !r.isSelf(user) && !(r.earlier.Settled(&pair) && r.earlier.SessionsSettled(user)):
			asked[user] = true
		}
	}
	if len(asked) == 0 || len(ids) == 0 {
		return nil
	}
	if !r.mayTryLookUp() {
		r.warnOfTwoNames("the token lacks " + lookUpPermission)
		return nil
	}
	names := make(chan map[string]string, 1)
	r.names = names
	go func() {
		found, err := r.askNames(ctx, asked, ids)
		if err != nil && ctx.Err() == nil {
			r.warnOfTwoNames(safetext.Printable(err.Error()))
		}
		names <- found
	}()
	return nil
}

func (r *run) warnOfTwoNames(why string) {
	r.console.Say("warning: a user who is on the list by id and by name gets two calls that revoke sessions: %s", why)
}

// askNames returns the ids of those users asked who are among ids, by name in lower case. It has a
// runner of its own, which gives up soon. An error means that some are missing.
func (r *run) askNames(ctx context.Context, asked, ids map[string]bool) (map[string]string, error) {
	names := make(map[string]string)
	ctx, cancel := context.WithTimeoutCause(ctx, namePatience, fmt.Errorf("not known within %v", namePatience))
	defer cancel()
	runner, err := batch.NewRunner(r.tenant.Client, batch.Options{MaxAttempts: 2, Grace: -1,
		RequestTimeout: r.opts.Batch.RequestTimeout, MaxWait: askPatience, StallTimeout: namePatience,
		Headers: r.opts.headers(), Logger: r.opts.Logger})
	if err != nil {
		return names, err
	}
	var failed error
	err = runner.Run(ctx, lookUps(asked), func(res batch.Result) []batch.Request {
		var user struct {
			ID string `json:"id"`
		}
		switch {
		case res.Err != nil:
			failed = res.Err
		case res.Response.Status == 404: // the delete says so too
		case res.Response.Status != 200:
			failed = res.Response.StatusError()
		case json.Unmarshal(res.Response.Body, &user) == nil && ids[strings.ToLower(user.ID)]:
			names[res.Request.Tag.(string)] = user.ID
		}
		return nil
	})
	if err == nil {
		err = failed
	}
	return names, err
}

// lookUps yields a request for the id of each user.
func lookUps(users map[string]bool) iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for user := range users {
			if !yield(batch.Request{Method: "GET", URL: pass.UserURL(user) + "?$select=id", Quota: pass.ProofQuota,
				Tag: user}) {
				return
			}
		}
	}
}

// namesNow returns what lookUpNames has found out, nil if it takes too long. It leaves that for the job.
func (r *run) namesNow(ctx context.Context) map[string]string {
	if r.names == nil {
		return nil
	}
	select {
	case names := <-r.names:
		r.names <- names
		return names
	case <-time.After(askPatience):
	case <-ctx.Done():
	}
	return nil
}

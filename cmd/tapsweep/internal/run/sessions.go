package run

import (
	"iter"
	"strings"

	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// withSessions adds what the token must allow to revoke sessions.
func (o *Options) withSessions(task token.Task) token.Task {
	task.Sessions, task.SessionProof = o.Header.Sessions, o.Header.Sessions && o.Guards.Verify > 0
	return task
}

// items yields the rows of the list, and then the users in doneBefore. It skips users for which these returns
// false.
func (r *run) items(these func(user string) bool) revoke.Items {
	return func(yield func(revoke.Item, error) bool) {
		for pair, err := range r.list.Pairs() {
			if (err != nil || these(pair.User)) && !yield(revoke.Item{Pair: pair}, err) {
				return
			}
		}
		for _, pair := range r.doneBefore {
			if these(pair.User) && !yield(revoke.Item{Pair: pair, OnlySessions: true}, nil) {
				return
			}
		}
	}
}

func (r *run) everyItem() revoke.Items { return r.items(func(string) bool { return true }) }

func (r *run) everybody() iter.Seq2[input.Pair, error] {
	return func(yield func(input.Pair, error) bool) {
		for item, err := range r.everyItem() {
			if !yield(item.Pair, err) {
				return
			}
		}
	}
}

// expect announces items to the job, so that the job knows which item is the last one of each user.
func (r *run) expect(items revoke.Items) error {
	for item, err := range items {
		if err != nil {
			return err
		}
		r.job.Expect(&item)
	}
	return nil
}

// sessionsLeft returns an item for each user whose sessions must still be revoked, because earlier runs
// deleted, or began to delete, passes of this user.
func (r *run) sessionsLeft() (items []revoke.Item) {
	if !r.header.Sessions || r.header.DryRun {
		return nil
	}
	rows := append(r.earlier.SessionsWanted(), r.earlier.AllUnconfirmed()...)
	seen := make(map[string]bool)
	for _, row := range rows {
		if user := strings.ToLower(row.User); !seen[user] {
			seen[user] = true
			pair := input.Pair{Source: row.Source, User: row.User, UPN: row.UPN}
			items = append(items, revoke.Item{Pair: pair, OnlySessions: true})
		}
	}
	return items
}

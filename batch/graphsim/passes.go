package graphsim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// reissue is a pass that somebody makes some time after one was deleted.
type reissue struct {
	at   time.Time
	user *user
	pass Pass
}

// GivePass hands out a pass while a run is going on, in place of those that the
// user has, as creating one does. The user is told by object id or by UPN. It gives
// the id of the pass, or "" if there is no such user.
func (t *Tenant) GivePass(userID string, p Pass) (passID string) {
	now := time.Now().UTC()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp(now)
	u := t.find(userID)
	if u == nil {
		return ""
	}
	return t.give(u, p, now).ID
}

// give replaces the passes of a user. Called with mu held, like all below.
// Source: learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods.
func (t *Tenant) give(u *user, p Pass, now time.Time) *Pass {
	for len(u.passes()) > 0 {
		t.dropPass(u, 0, now)
	}
	if p.ID == "" {
		p.ID = string(t.newID())
	}
	p.fill(u.ID, 0, now)
	u.hold().passes = append(u.held.passes, p)
	t.auditMade(u, &p)
	return &u.held.passes[0]
}

// removePass carries a DELETE out.
func (t *Tenant) removePass(c *call, u *user, i int, now time.Time) {
	p := u.held.passes[i]
	t.dropPass(u, i, now)
	t.stats.Deleted++
	t.auditRemoved(u, t.actor(c.who), now)
	if u.held.reissue > 0 {
		next := reissue{now.Add(u.held.reissue), u, Pass{
			LifetimeMinutes: p.LifetimeMinutes, UsableOnce: p.UsableOnce, CreatedBy: p.CreatedBy,
		}}
		at, _ := slices.BinarySearchFunc(t.due, next.at.Add(1), func(r reissue, at time.Time) int { return r.at.Compare(at) })
		t.due = slices.Insert(t.due, at, next)
	}
}

// dropPass takes a pass away; it is listed for a while yet.
func (t *Tenant) dropPass(u *user, i int, now time.Time) {
	h := u.held
	h.ghosts = slices.DeleteFunc(h.ghosts, func(g ghost) bool { return !now.Before(g.until) })
	if t.opts.ListLag > 0 {
		h.ghosts = append(h.ghosts, ghost{h.passes[i], now.Add(t.opts.ListLag)})
	}
	h.passes = slices.Delete(h.passes, i, i+1)
}

// catchUp makes the passes that were due by now. There is no goroutine that could,
// so everything that looks at passes calls it first.
func (t *Tenant) catchUp(now time.Time) {
	for len(t.due) > 0 && !t.due[0].at.After(now) {
		r := t.due[0]
		t.due = t.due[1:]
		t.give(r.user, r.pass, r.at)
	}
}

// undue forgets what was to be made for a user.
func (t *Tenant) undue(u *user) {
	t.due = slices.DeleteFunc(t.due, func(r reissue) bool { return r.user == u })
}

// listed are the passes that a LIST shows: those there are and those that were.
func (u *user) listed(now time.Time) []*Pass {
	if u.held == nil {
		return nil
	}
	all := make([]*Pass, 0, len(u.held.passes)+len(u.held.ghosts))
	for i := range u.held.passes {
		all = append(all, &u.held.passes[i])
	}
	for i := range u.held.ghosts {
		if g := &u.held.ghosts[i]; now.Before(g.until) {
			all = append(all, &g.Pass)
		}
	}
	return all
}

// holding is what goes on with a user's passes.
type holding struct {
	passes    []Pass
	ghosts    []ghost
	roles     []string // of Entra
	reissue   time.Duration
	inFlight  int32 // running batches and direct requests with a write for the user
	flightSeq int   // the last flight that announced one
	wroteSeq  int   // the last batch that carried one out
}

// ghost is a deleted pass that is still listed.
type ghost struct {
	Pass
	until time.Time
}

func (u *user) hold() *holding {
	if u.held == nil {
		u.held = new(holding)
	}
	return u.held
}

// passes are what the user holds. Change them through hold.
func (u *user) passes() []Pass {
	if u.held == nil {
		return nil
	}
	return u.held.passes
}

// pass tells where the pass is in u.passes, or -1. Ids compare without case.
func (u *user) pass(id string) int {
	return slices.IndexFunc(u.passes(), func(p Pass) bool { return strings.EqualFold(p.ID, id) })
}

// A Held is a pass that a user holds.
type Held struct {
	UserID, UPN, PassID string
}

// Left tells which passes are left, sorted by UPN and then by pass.
func (t *Tenant) Left() []Held {
	t.mu.Lock()
	t.catchUp(time.Now().UTC())
	var left []Held
	for _, u := range t.order {
		for _, p := range u.passes() {
			left = append(left, Held{u.ID, u.UPN, p.ID})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(left, func(a, b Held) int {
		return cmp.Or(strings.Compare(a.UPN, b.UPN), strings.Compare(a.UserID, b.UserID),
			strings.Compare(a.PassID, b.PassID))
	})
	return left
}

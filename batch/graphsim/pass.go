package graphsim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// reissue is a pass that somebody will create some time after one was deleted.
type reissue struct {
	at   time.Time
	user *storedUser
	pass Pass
}

// GivePass replaces the passes of a user with p, as if somebody created p, for example
// during a run. The user is given by object ID or UPN. GivePass returns the ID of the
// pass, or an empty string if there is no such user.
func (t *Tenant) GivePass(user string, p Pass) (passID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now().UTC()
	t.applyDue(now)
	u := t.find(user)
	if u == nil {
		return ""
	}
	return t.replacePasses(u, p, now).ID
}

// replacePasses removes all passes of a user and gives the user p. Called with mu held, like all below.
// Source: learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods.
func (t *Tenant) replacePasses(u *storedUser, p Pass, now time.Time) *Pass {
	for len(u.passes()) > 0 {
		t.dropPass(u, 0, now)
	}
	p.ID = cmp.Or(p.ID, t.variety.NewID())
	if p.Created.IsZero() {
		p.Created = now
	}
	return t.addPass(u, p)
}

// deletePass carries out a DELETE.
func (t *Tenant) deletePass(c *call, index int) {
	u, now := c.user, c.now
	p := u.state.passes[index]
	t.dropPass(u, index, now)
	t.stats.Deleted++
	if t.opts.Audit {
		t.audits.add(auditRecord{at: now.UnixNano(), user: u, by: t.actor(c.who), action: deleted})
	}
	if u.state.reissue > 0 {
		next := Pass{LifetimeMinutes: p.LifetimeMinutes, UsableOnce: p.UsableOnce, CreatedBy: p.CreatedBy}
		t.reissues = append(t.reissues, reissue{now.Add(u.state.reissue), u, next})
		slices.SortStableFunc(t.reissues, func(a, b reissue) int { return a.at.Compare(b.at) })
	}
}

// dropPass removes a pass. LISTs still show it for ListLag.
func (t *Tenant) dropPass(u *storedUser, index int, now time.Time) {
	s := u.state
	s.ghosts = slices.DeleteFunc(s.ghosts, func(g ghost) bool { return !now.Before(g.until) })
	if t.opts.ListLag > 0 {
		s.ghosts = append(s.ghosts, ghost{s.passes[index], now.Add(t.opts.ListLag)})
	}
	s.passes = slices.Delete(s.passes, index, index+1)
}

// applyDue creates the new passes that are due. There is no goroutine for this, so every
// function that reads passes calls it first.
func (t *Tenant) applyDue(now time.Time) {
	for len(t.reissues) > 0 && !t.reissues[0].at.After(now) {
		r := t.reissues[0]
		t.reissues = t.reissues[1:]
		t.replacePasses(r.user, r.pass, r.at)
	}
}

// listed returns the passes that a LIST shows: those that the user holds, and those that
// were deleted less than ListLag ago.
func (u *storedUser) listed(now time.Time) []*Pass {
	all := slices.Clone(u.passes())
	if u.state != nil {
		for _, g := range u.state.ghosts {
			if now.Before(g.until) {
				all = append(all, g.Pass)
			}
		}
	}
	return all
}

// A HeldPass is a pass that a user holds.
type HeldPass struct {
	UserID, UPN, PassID string
}

// Remaining returns the passes that users hold, sorted by UPN, user id and pass ID.
func (t *Tenant) Remaining() []HeldPass {
	t.mu.Lock()
	t.applyDue(time.Now().UTC())
	var all []HeldPass
	for _, u := range t.users {
		for _, p := range u.passes() {
			all = append(all, HeldPass{u.ID, u.UPN, p.ID})
		}
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b HeldPass) int {
		return cmp.Or(strings.Compare(a.UPN, b.UPN), strings.Compare(a.UserID, b.UserID),
			strings.Compare(a.PassID, b.PassID))
	})
	return all
}

// Package scan finds passes: it reads who is in a tenant, a group or the audit log,
// and lists the passes of each.
//
// All of it goes through the same runner as writes do. A page of users brings its
// next page and a LIST for each user; what a LIST finds may bring a DELETE. Each
// kind of request has a limit of its own in Graph, so it has a quota of its own.
package scan

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/passes"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/input"
)

// The quotas of a scan, beside revoke.ReadQuota for the passes themselves.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access, and
// identity and access reports.
const (
	usersQuota   = "users"
	reportsQuota = "reports"
)

// Options say where to look and what to look for.
type Options struct {
	// Users are looked at in order. Groups are looked at with all that is in them,
	// by object id. All is every user of the tenant, or those that Filter, an OData
	// filter, leaves. Audit names the users in the directory audit log.
	Users  []input.User
	Groups []string
	All    bool
	Filter string
	Audit  *Audit

	// Reasons are those of the passes to find. None means all, those that are not
	// known included.
	Reasons []passes.Reason

	// MinAge leaves out passes created more lately, and those whose age is not
	// known. ExpiredFor leaves out passes that have expired more lately; it says
	// nothing of other passes. CreatedSince leaves out passes created before. Zero
	// leaves out none.
	MinAge, ExpiredFor time.Duration
	CreatedSince       time.Time

	// MembersOnly leaves out guests, EnabledOnly accounts that are disabled.
	MembersOnly, EnabledOnly bool

	// Root is Graph's root with the version, such as https://graph.microsoft.com/v1.0.
	// A next link that does not begin with it ends the scan.
	Root string

	// Skip tells users, by object id or as listed, that need no look. Nil is none.
	Skip func(user string) bool

	// Backlog is how much of what was found is still under way elsewhere. While it is
	// long no more users are asked for. Nil is nothing.
	Backlog func() int

	// Caller helps to tell what a 403 means.
	Caller revoke.Caller
}

// A Found is a pass that was looked for.
type Found struct {
	User string // object id, or as listed
	UPN  string // empty if not known
	passes.Pass
	Why passes.Reason
}

// Counts sum a scan up.
type Counts struct {
	Users    int                   // whose passes were listed
	Found    int                   // passes that were looked for
	Passes   map[passes.Reason]int // all that were seen
	Guests   int                   // left out
	Disabled int                   // left out
	Untold   int                   // left out, since the account does not tell whether it is a member or enabled
	Recent   int                   // passes left out for MinAge or ExpiredFor
	Older    int                   // passes left out for CreatedSince
	Earlier  int                   // users skipped
	Pages    int                   // of users
	Failed   int                   // users whose passes could not be listed
	NotSeen  int                   // users that the run stopped before, of those that it knew of
	Audit    *AuditCounts          // of the audit log, nil if the scan does not read it
}

// Sinks take what a scan finds, on the goroutine of the run. An error of the run's
// own is theirs to bring about by cancelling its context.
type Sinks struct {
	// Found takes a pass; what it returns is sent next.
	Found func(*Found) []batch.Request

	// Done takes a user of whose passes none was looked for.
	Done func(user string)

	// Failed takes the row of a user whose passes could not be listed.
	Failed func(*results.Row)

	// Sent takes every result, to count requests.
	Sent func(batch.Result)
}

// A Scan looks once. It is used from one goroutine, that of the run.
type Scan struct {
	opts   Options
	sinks  Sinks
	counts Counts
	stop   context.CancelCauseFunc

	seed  maphash.Seed
	seen  map[uint64]struct{} // users, so that none is listed twice
	queue []target            // to be listed
	open  int                 // LISTs and look-ups under way
	held  []*page             // next pages that wait until less is under way
	audit *auditFindings

	told  int                 // accounts that tell what decides
	found map[uint64]struct{} // passes, so that none is found under two names of its user
}

// target is a user to be listed.
type target struct {
	name, upn string
	look      bool      // the account is to be looked up before
	since     time.Time // passes created before are not the ones, zero for any
	made      time.Time // time of the last record by Audit.By, zero if Audit.By is empty
}

// New returns a Scan. stop ends the run that it is part of.
func New(opts Options, sinks Sinks, stop context.CancelCauseFunc) *Scan {
	return &Scan{opts: opts, sinks: sinks, stop: stop, seed: maphash.MakeSeed(), seen: make(map[uint64]struct{}), found: make(map[uint64]struct{}),
		counts: Counts{Passes: make(map[passes.Reason]int)}}
}

// Counts sums up what was found so far.
func (s *Scan) Counts() Counts {
	c := s.counts
	c.NotSeen += len(s.queue)
	if s.audit != nil {
		audit := s.audit.counts
		c.Audit = &audit
	}
	return c
}

// Run looks with a runner of its own. Its error tells why it ended early.
func Run(ctx context.Context, runner *batch.Runner, opts Options, sinks Sinks) (Counts, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := New(opts, sinks, stop)
	err := runner.Run(ctx, s.Requests(), s.Settle)
	return s.Counts(), err
}

// Requests yields the first requests: the first page of each source, and a LIST
// for each user that is listed.
func (s *Scan) Requests() iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		for _, p := range s.sources() {
			if !yield(p.request()) {
				return
			}
		}
		for _, u := range s.opts.Users {
			name, upn := u.ID, u.UPN
			if name == "" {
				name = upn
			}
			t := target{name: name, upn: upn, look: s.choosy()}
			if s.claim(name) && !yield(s.ask(t)) {
				return
			}
		}
	}
}

// claim tells whether a user is to be looked at: once, and not if an earlier run
// has.
func (s *Scan) claim(name string) bool {
	key := s.key(name)
	if _, again := s.seen[key]; again {
		return false
	}
	s.seen[key] = struct{}{}
	if s.opts.Skip != nil && s.opts.Skip(name) {
		s.counts.Earlier++
		return false
	}
	return true
}

// key returns the hash under which a name is stored.
func (s *Scan) key(name string) uint64 { return maphash.String(s.seed, strings.ToLower(name)) }

// choosy tells whether it depends on the account whether its passes are looked at.
func (s *Scan) choosy() bool { return s.opts.MembersOnly || s.opts.EnabledOnly }

// ask is the first request about a user.
func (s *Scan) ask(t target) batch.Request {
	if t.look {
		return s.lookUp(t)
	}
	return s.list(t)
}

// list and lookUp are the requests about one user; open counts them.
func (s *Scan) list(t target) batch.Request {
	s.open++
	return batch.Request{Method: "GET", URL: passes.PassesURL(t.name), Quota: revoke.ReadQuota, Tag: t}
}

func (s *Scan) lookUp(t target) batch.Request {
	s.open++
	return batch.Request{Method: "GET", URL: passes.UserURL(t.name) + "?$select=" + s.properties(), Quota: usersQuota, Tag: looked{t}}
}

// looked is a target whose account is looked up first.
type looked struct{ target }

// Owns tells whether a result belongs to a scan.
func Owns(res batch.Result) bool {
	switch res.Request.Tag.(type) {
	case target, looked, *page:
		return true
	}
	return false
}

// Settle takes in an answer and returns what is to be sent next.
func (s *Scan) Settle(res batch.Result) (next []batch.Request) {
	if s.sinks.Sent != nil {
		s.sinks.Sent(res)
	}
	switch tag := res.Request.Tag.(type) {
	case target:
		s.open--
		next = s.listed(tag, res)
	case looked:
		s.open--
		next = s.accountOf(tag.target, res)
	case *page:
		s.arrived(tag, res)
	}
	return append(next, s.Release()...)
}

// The bounds keep memory small however large the tenant: users that are known and
// wait, and LISTs under way.
const (
	pageAhead = 2000 // a further page is asked for below
	listAhead = 1000
)

// Release returns what may be sent now that less is under way. Whoever settles what
// was found calls it too.
func (s *Scan) Release() (next []batch.Request) {
	backlog := 0
	if s.opts.Backlog != nil {
		backlog = s.opts.Backlog()
	}
	for len(s.queue) > 0 && s.open+backlog < listAhead {
		t := s.queue[0]
		s.queue = s.queue[1:]
		next = append(next, s.ask(t))
	}
	for len(s.held) > 0 && len(s.queue)+s.open+backlog < pageAhead {
		next = append(next, s.held[0].request())
		s.held = s.held[1:]
	}
	return next
}

// listed takes in a user's passes.
func (s *Scan) listed(t target, res batch.Result) (next []batch.Request) {
	held, err := passes.Read(res)
	if err != nil || !passes.Listed(res) {
		s.failed(t, res, err)
		return nil
	}
	s.counts.Users++
	found := 0
	for _, p := range held {
		why := p.Reason(res.Date)
		s.counts.Passes[why]++
		if !s.wanted(&p, why, t, res.Date) {
			continue
		}
		key := s.key(p.ID)
		if _, again := s.found[key]; again {
			continue
		}
		s.found[key] = struct{}{}
		found++
		s.counts.Found++
		next = append(next, s.sinks.Found(&Found{User: t.name, UPN: t.upn, Pass: p, Why: why})...)
	}
	if found == 0 && s.sinks.Done != nil {
		s.sinks.Done(t.name)
	}
	return next
}

func (s *Scan) failed(t target, res batch.Result, unreadable error) {
	row := revoke.ReadRow(res)
	if unreadable != nil {
		row.Message = unreadable.Error()
	}
	if row.Outcome == results.NotSent {
		s.counts.NotSeen++ // nothing is known of the user, so there is no row
		return
	}
	s.counts.Failed++
	row.User, row.UPN, row.Time = t.name, t.upn, time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = s.opts.Caller.Hint(t.name)
	}
	s.sinks.Failed(&row)
}

// end ends the run, since a source cannot be read any further.
func (s *Scan) end(err error) {
	s.stop(err)
}

// A SourceError says that users could not be read to their end, so nobody knows
// who is missing.
type SourceError struct {
	What string // such as "the users of the tenant"
	Err  error

	// Filtered says that Options.Filter was part of the request and that no page had been
	// read before. Only then may the filter be what Graph does not understand.
	Filtered bool
}

func (e *SourceError) Error() string { return fmt.Sprintf("reading %s: %v", e.What, e.Err) }
func (e *SourceError) Unwrap() error { return e.Err }

// Denied tells whether Graph refused the source for lack of a permission.
func (e *SourceError) Denied() bool { return e.status() == 403 }

// Wrong reports whether Graph does not understand the filter.
func (e *SourceError) Wrong() bool { return e.Filtered && e.status() == 400 }

func (e *SourceError) status() int {
	answer, ok := errors.AsType[*batch.StatusError](e.Err)
	if !ok {
		return 0
	}
	return answer.Status
}

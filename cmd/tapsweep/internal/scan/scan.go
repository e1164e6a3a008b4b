// Package scan finds passes. It reads the users of a tenant, of a group or of the audit log, and lists the passes of
// each user.
//
// The requests of a scan use the same runner as deletes. Each page of users is followed by the next page, and by a
// LIST for each user. Graph limits each kind of request separately, so each kind has its own quota.
package scan

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/token"
	"tapsweep/input"
)

// The quotas of a scan. A LIST of passes has pass.ReadQuota.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access, and
// identity and access reports.
const (
	usersQuota   = "users"
	reportsQuota = "reports"
)

// Options are where to look, and which passes to find.
type Options struct {
	// Users are scanned in order. Groups has the object IDs of groups; members of nested groups are included. All
	// means every user of the tenant, or every user that matches the OData filter Filter. Audit finds users in the
	// directory audit log.
	Users  []input.User
	Groups []string
	All    bool
	Filter string
	Audit  *Audit

	// Reasons are the reasons of the passes to find. If it is empty, every pass is found, even if its reason is not
	// known.
	Reasons []pass.Reason

	// MinAge skips passes that are younger, or whose age is not known. ExpiredFor skips passes that expired less than
	// this ago. CreatedSince skips passes and audit records that were created earlier. Zero skips none.
	MinAge, ExpiredFor time.Duration
	CreatedSince       time.Time

	// MembersOnly skips guests. EnabledOnly skips disabled accounts.
	MembersOnly, EnabledOnly bool

	// Root is the root of Graph with the version, such as https://graph.microsoft.com/v1.0. A next link that does not
	// begin with it ends the scan.
	Root string

	// Skip reports whether a user need not be scanned. It gets an object ID, or a name in Users. Nil skips none.
	Skip func(user string) bool

	// Protected reports whether a user must not be scanned. It also gets the user principal name, which is empty if not
	// known. Nil protects nobody.
	Protected func(user, upn string) bool

	// OnGone receives passes that Audit.By created and that are gone or replaced. OnNotKnown receives passes that
	// Audit.By created and that may still exist, because the passes of the user could not be listed. Both receive the
	// last pass of each user, of which only the ID and the Creation are known. Both may be nil.
	OnGone, OnNotKnown func(*Found)

	// Token explains what a 403 can mean.
	Token token.Token
}

// A Found is a pass that matches the Options.
type Found struct {
	User string // the object ID, or the name in Options.Users
	UPN  string // empty if not known
	pass.Pass
	Reason pass.Reason

	input.Creation // from the audit log
}

// Totals are the totals of a scan.
type Totals struct {
	Users     int                 // users whose passes were listed
	Found     int                 // passes that match the Options
	ByTime    int                 // how many of these were matched with the audit log by time, not by ID
	Passes    map[pass.Reason]int // all passes that were listed
	Guests    int                 // users skipped for MembersOnly: all that are not known to be members
	Disabled  int                 // users skipped for EnabledOnly
	Recent    int                 // passes skipped for MinAge or ExpiredFor
	Older     int                 // passes skipped for CreatedSince
	Earlier   int                 // users skipped by Skip
	Protected int                 // users skipped by Protected
	Pages     int                 // pages of users
	Failed    Examples[string]    // users whose passes could not be listed
	NotSeen   int                 // known users that were not scanned because the run stopped
	Audit     *AuditCounts        // nil if the scan does not read the audit log
}

// Handlers are the functions that receive the results of a scan. They are called on the goroutine of the run. To stop
// the run, they cancel its context.
type Handlers struct {
	// Found receives a pass that matches the Options.
	Found func(*Found)

	// Done receives a user without such a pass.
	Done func(user string)

	// Failed receives the row of a user whose passes could not be listed.
	Failed func(*results.Row)

	// Sent receives each result, to count requests.
	Sent func(batch.Result)

	// Total receives the number of users that the scan covers, when it is known and each time it changes. It is not
	// known if users come from several sources, or if Graph does not count them.
	Total func(users int)
}

// A scanner is the state of one scan. Only the goroutine of the run may use it.
type scanner struct {
	opts   Options
	sinks  Handlers
	counts Totals
	stop   context.CancelCauseFunc

	seed  maphash.Seed
	seen  map[uint64]struct{} // users by hash, so that no user is listed twice
	queue []userToList        // users whose passes will be listed
	one   bool                // there is only one source
	all   int                 // all users of the only source, including skipped users; 0 if not known
	open  int                 // LISTs and lookups without an answer
	held  []*source           // sources whose next page waits until fewer requests are open
	audit *auditFindings
	found map[uint64]string // the user of each pass, by the hash of its ID: two names of a user find it once
}

// A userToList is a user whose passes will be listed.
type userToList struct {
	name, upn string
	look      bool // the account must be looked up first
}

// newScan returns a scanner. stop must end the run with an error.
func newScan(opts Options, sinks Handlers, stop context.CancelCauseFunc) *scanner {
	return &scanner{opts: opts, sinks: sinks, stop: stop, seed: maphash.MakeSeed(),
		seen: make(map[uint64]struct{}), found: make(map[uint64]string),
		counts: Totals{Passes: make(map[pass.Reason]int)}}
}

// totals returns the totals so far.
func (s *scanner) totals() Totals {
	c := s.counts
	c.NotSeen += len(s.queue)
	if s.audit != nil {
		c.Audit = s.audit.summary()
	}
	return c
}

// Run scans with a runner. It returns an error if the scan ends early.
func Run(ctx context.Context, runner *batch.Runner, opts Options, sinks Handlers) (Totals, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := newScan(opts, sinks, stop)
	err := runner.Run(ctx, s.requests(), s.onResult)
	if err == nil && s.audit != nil {
		s.decide()
	}
	return s.totals(), err
}

// requests yields the first requests: the first page of each source, and a LIST or a lookup
// for each of Options.Users.
func (s *scanner) requests() iter.Seq[batch.Request] {
	return func(yield func(batch.Request) bool) {
		sources := s.sources()
		if len(sources) == 0 {
			s.all = len(s.opts.Users)
		}
		for _, p := range sources {
			if !yield(s.page(p)) || s.one && !p.counts && !p.audit && !yield(s.count()) {
				return
			}
		}
		for _, u := range s.opts.Users {
			t := userToList{name: cmp.Or(u.ID, u.UPN), upn: u.UPN, look: s.filtersAccounts()}
			if s.markSeen(t.name, t.upn) && !yield(s.ask(t)) {
				return
			}
		}
		s.tellTotal()
	}
}

// markSeen marks a user as seen, and reports whether the user must be scanned: for the first time, and unless Skip or
// Protected returns true. upn may be empty.
func (s *scanner) markSeen(name, upn string) bool {
	key := s.key(name)
	if _, again := s.seen[key]; again {
		return false
	}
	s.seen[key] = struct{}{}
	switch {
	case s.opts.Protected != nil && s.opts.Protected(name, upn):
		s.counts.Protected++
		return false
	case s.opts.Skip != nil && s.opts.Skip(name):
		s.counts.Earlier++
		return false
	}
	return true
}

// key returns the hash under which a name is stored.
func (s *scanner) key(name string) uint64 { return maphash.String(s.seed, strings.ToLower(name)) }

// filtersAccounts reports whether properties of an account decide whether it is scanned.
func (s *scanner) filtersAccounts() bool { return s.opts.MembersOnly || s.opts.EnabledOnly }

// ask returns the next request about a user: for the account, or for the passes.
func (s *scanner) ask(t userToList) batch.Request {
	s.open++
	if t.look {
		url := pass.UserURL(t.name) + "?$select=" + s.properties()
		return get(url, usersQuota, nil, func(res batch.Result) { s.open--; s.accountOf(t, res) })
	}
	return get(pass.PassesURL(t.name), pass.ReadQuota, nil, func(res batch.Result) { s.open--; s.listed(t, res) })
}

// get returns a request. then gets the result.
func get(url, quota string, headers map[string]string, then func(batch.Result)) batch.Request {
	return batch.Request{Method: "GET", URL: url, Headers: headers, Quota: quota, Tag: then}
}

// onResult handles the answer to a request of the scan, and returns the next requests.
func (s *scanner) onResult(res batch.Result) (next []batch.Request) {
	s.sinks.Sent(res)
	res.Request.Tag.(func(batch.Result))(res)
	return s.release()
}

// The limits keep memory small in a tenant of any size.
const (
	pageAhead = 2000 // read another page only while fewer users and LISTs are waiting
	listAhead = 1000 // LISTs without an answer
)

// release returns the requests that can be sent now, because fewer are open.
func (s *scanner) release() (next []batch.Request) {
	for len(s.queue) > 0 && s.open < listAhead {
		t := s.queue[0]
		s.queue = s.queue[1:]
		next = append(next, s.ask(t))
	}
	for len(s.held) > 0 && len(s.queue)+s.open < pageAhead {
		next = append(next, s.page(s.held[0]))
		s.held = s.held[1:]
	}
	return next
}

// listed handles the answer to a LIST.
func (s *scanner) listed(t userToList, res batch.Result) {
	held, err := pass.Read(res)
	if err != nil {
		s.failed(t, res, err)
		return
	}
	s.counts.Users++
	judge, found := s.take, false
	if s.audit != nil {
		judge = s.attribute
	}
	for _, p := range held {
		f := &Found{User: t.name, UPN: t.upn, Pass: p, Reason: p.Reason(res.Date)}
		s.counts.Passes[f.Reason]++
		found = judge(f, res.Date) || found
	}
	if len(held) == 0 && s.audit != nil {
		s.audit.counts.Gone.add(cmp.Or(t.upn, t.name))
		s.gone(t.name, t.upn)
	}
	if !found {
		s.sinks.Done(t.name)
	}
}

func (s *scanner) failed(t userToList, res batch.Result, err error) {
	row := answer.RowOfRead(res, err)
	if row.Outcome == results.NotSent {
		s.counts.NotSeen++ // a user who was not scanned has no row
		return
	}
	s.counts.Failed.add(cmp.Or(t.upn, t.name))
	row.User, row.UPN, row.Time = t.name, t.upn, time.Now()
	if row.Outcome == results.Denied && row.Hint == "" {
		row.Hint = s.opts.Token.Hint(t.name)
	}
	s.sinks.Failed(&row)
	if s.audit != nil && row.Outcome != results.UnknownUser {
		s.audit.counts.NotKnown++
		s.tellOf(t.name, t.upn, NotScanned, s.opts.OnNotKnown)
	}
}

// A SourceError is returned if a source of users could not be read completely. Users may be missing.
type SourceError struct {
	What string // such as "the users of the tenant"
	Err  error

	// Filtered is set if the request had Options.Filter and was the first of its source. Only then can Graph have
	// refused the filter.
	Filtered bool
}

func (e *SourceError) Error() string { return fmt.Sprintf("reading %s: %v", e.What, e.Err) }
func (e *SourceError) Unwrap() error { return e.Err }

// Denied reports whether a permission for the source is missing.
func (e *SourceError) Denied() bool { return pass.StatusOf(e.Err) == 403 }

// Wrong reports whether Graph refused the filter, or does not have the group.
func (e *SourceError) Wrong() bool {
	return e.Filtered && pass.StatusOf(e.Err) == 400 || pass.StatusOf(e.Err) == 404
}

package fault

import (
	"io"
	"slices"
	"strings"

	"tapsweep/batch/graphsim/internal/wire"
)

// A Script decides which fault happens to which request. The tenant runs it; tests give
// their faults to the tenant. It is not safe for concurrent use.
type Script struct {
	faults   []*active
	attempts map[string]int // by method and URL; nil until a Fault has an Attempt
}

// active is a Fault with the number of times that it has happened.
type active struct {
	Fault
	happened int
}

// A Request is one request as a Script sees it.
type Request struct {
	Method  string
	URL     string // path and query below the version, as sent
	Batch   int    // the number of the batch, 0 outside a batch
	attempt int
}

// Add adds faults. They count attempts from now on, but batches from the first one.
func (s *Script) Add(faults ...Fault) {
	for _, f := range faults {
		s.faults = append(s.faults, &active{Fault: f})
		if f.Attempt > 0 && s.attempts == nil {
			s.attempts = make(map[string]int)
		}
	}
}

// Arrive counts the attempt of a request that arrives.
func (s *Script) Arrive(r *Request) {
	if s.attempts != nil {
		key := r.Method + " " + r.URL
		s.attempts[key]++
		r.attempt = s.attempts[key]
	}
}

// Whole returns the effect on a whole batch, or nil.
func (s *Script) Whole(batch int, requests []*Request) *Effect {
	for _, f := range s.faults {
		if f.Do.single != nil || f.isSpent() || !f.matchesBatch(batch, requests) {
			continue
		}
		if e := f.Do.pick(wholes); e != nil {
			f.happened++
			return e
		}
	}
	return nil
}

// Single returns the effect on one request of a batch, or nil.
func (s *Script) Single(r *Request) *Effect {
	if r.Batch == 0 {
		return nil
	}
	for _, f := range s.faults {
		if f.Do.whole != nil || f.isSpent() || !f.matches(r) {
			continue
		}
		if e := f.Do.pick(singles); e != nil {
			f.happened++
			return e
		}
	}
	return nil
}

func wholes(l *lottery) []Effect  { return l.wholes }
func singles(l *lottery) []Effect { return l.singles }

// pick returns the effect itself, or one that its lottery draws from some of its effects.
func (e *Effect) pick(from func(*lottery) []Effect) *Effect {
	if e.lottery == nil {
		return e
	}
	return e.lottery.draw(from(e.lottery))
}

func (f *active) isSpent() bool { return f.Times > 0 && f.happened >= f.Times }

func (f *active) matches(r *Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || strings.Contains(r.URL, f.Path)) &&
		(f.Attempt == 0 || f.Attempt == r.attempt) &&
		(f.Batch == 0 || f.Batch == r.Batch) &&
		(f.Match == nil || f.Match(r.Method, r.URL))
}

// matchesBatch reports whether a request matches. A malformed batch has no requests, so
// that only a Fault that asks for none of their properties matches it.
func (f *active) matchesBatch(batch int, requests []*Request) bool {
	asksNothing := f.Method == "" && f.Path == "" && f.Attempt == 0 && f.Match == nil
	if asksNothing && (f.Batch == 0 || f.Batch == batch) {
		return true
	}
	return slices.ContainsFunc(requests, f.matches)
}

// IsAfterWork reports whether the tenant should carry the requests out first.
func (e *Effect) IsAfterWork() bool { return e.afterWork }

// ChangeWhole applies an effect on a whole batch.
func (e *Effect) ChangeWhole(r *wire.HTTPResponse, v *wire.Variety) { e.whole(r, v) }

// single is a single response that an effect changes.
type single struct {
	wire.Item
	variety *wire.Variety
	missing bool
	extra   []wire.Item // further responses
}

// ChangeItem applies an effect on a single response, and returns the responses to send
// in its place.
func (e *Effect) ChangeItem(item wire.Item, v *wire.Variety) []wire.Item {
	s := single{Item: item, variety: v}
	e.single(&s)
	if s.missing {
		return s.extra
	}
	return append([]wire.Item{s.Item}, s.extra...)
}

// errReset is what the client sees when a connection ends without a response.
var errReset = io.ErrUnexpectedEOF

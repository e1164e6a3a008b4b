package fault

import (
	"slices"
	"strings"

	"tapsweep/batch/graphsim/internal/wire"
)

// A Script chooses the fault that happens to a request. The tenant uses it. Tests add their
// faults to the tenant. It is not safe for concurrent use.
type Script struct {
	faults   []*active
	attempts map[string]int // counted by method and URL; nil until a Fault has an Attempt
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

// Add adds faults. They count attempts from now on, and batches from the first batch of the tenant.
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
	return s.happens(false, func(f *active) bool { return f.matchesBatch(batch, requests) })
}

// Single returns the effect on one request of a batch, or nil.
func (s *Script) Single(r *Request) *Effect {
	if r.Batch == 0 {
		return nil
	}
	return s.happens(true, func(f *active) bool { return f.matches(r) })
}

// happens returns the effect of the first fault that matches, on a single request or on a whole batch, or nil.
func (s *Script) happens(isSingle bool, matches func(*active) bool) *Effect {
	for _, f := range s.faults {
		effect, lottery := &f.Do, f.Do.lottery
		isSpent := f.Times > 0 && f.happened >= f.Times
		isOther := lottery == nil && isSingle != (effect.single != nil)
		if isSpent || isOther || !matches(f) {
			continue
		}
		if lottery != nil {
			effect = lottery.draw(lottery.effects[isSingle])
		}
		if effect != nil {
			f.happened++
			return effect
		}
	}
	return nil
}

func (f *active) matches(r *Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || strings.Contains(r.URL, f.Path)) &&
		(f.Attempt == 0 || f.Attempt == r.attempt) &&
		(f.Batch == 0 || f.Batch == r.Batch) &&
		(f.Match == nil || f.Match(r.Method, r.URL))
}

// matchesBatch reports whether a request of the batch matches. A malformed batch has no
// requests. Only a Fault without conditions on requests matches it.
func (f *active) matchesBatch(batch int, requests []*Request) bool {
	asksNothing := f.Method == "" && f.Path == "" && f.Attempt == 0 && f.Match == nil
	if asksNothing && (f.Batch == 0 || f.Batch == batch) {
		return true
	}
	return slices.ContainsFunc(requests, f.matches)
}

// IsAfterWork reports whether the tenant carries out the requests before the effect.
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

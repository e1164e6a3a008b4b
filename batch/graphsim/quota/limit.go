package quota

import (
	"sync"
	"time"
)

// A Limit throttles requests. Create one with Bucket, Window, First or Closed, and set its
// fields before use.
type Limit struct {
	// Kind is the kind of requests that the limit counts and refuses. The zero value
	// means all requests.
	Kind Kind

	// CountRefused makes the limit charge refused requests also. So a client that does not
	// wait makes its own wait longer. A Bucket then owes tokens, which it refills first. A
	// Window subtracts the requests from the next window, but lets at least one through.
	// Source: learn.microsoft.com/graph/throttling (requests made while throttled count).
	CountRefused bool

	// RetryAfter writes the Retry-After header. Nil means Seconds.
	RetryAfter RetryAfter

	mu        sync.Mutex
	algorithm algorithm

	// At toldAt, the client was told to wait until toldUntil.
	toldAt, toldUntil time.Time
}

// A Kind is a set of requests, with the cost of each.
type Kind int

const (
	All           Kind = iota // every request
	Reads                     // GET and HEAD
	Writes                    // every other method
	PassReads                 // GET of Temporary Access Passes; a service other than the directory answers them
	PassWrites                // other methods on passes; the service of PassReads carries them out
	SessionWrites             // calls that revoke sessions, which are writes of the directory

	// ResourceUnits counts requests by their cost: 2 for a page of users, 5 for a page
	// of transitive members, 1 for everything else. $select subtracts one, $expand adds
	// one, and $top below 20 subtracts one; the minimum is 1. A tenant of more than 500
	// users has Bucket(800, 8000). A tenant of fewer than 50 users has Bucket(350, 3500).
	// It is not documented whether passes, audit logs and reports count. Here they do.
	// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
	ResourceUnits

	kinds // the number of kinds
)

// A Cost is the cost of one or more requests, by Kind.
type Cost [kinds]int

// Bucket returns a token bucket that is full at first, refills at rate tokens per second and
// holds at most burst tokens. The wait of a refused request ends when there is a token for
// it. The wait of a refused batch ends when there are tokens for all its requests.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func Bucket(rate, burst float64) *Limit {
	return &Limit{algorithm: &bucket{rate: rate, burst: burst, tokens: burst}}
}

// Window returns a limit that lets n requests through in each window. A window begins with
// the first request after the last window, and has the given length. A wait ends with the
// window.
func Window(n int, length time.Duration) *Limit {
	return &Limit{algorithm: &window{size: float64(n), length: length}}
}

// First returns a limit that refuses the first n requests, each with the same wait. It lets
// all later requests through, even if the client did not wait.
func First(n int, wait time.Duration) *Limit {
	return &Limit{algorithm: &first{left: float64(n), delay: wait}}
}

// Closed returns a limit that lets one request through, and no other for the given time. It lets all later
// requests through.
func Closed(length time.Duration) *Limit { return &Limit{algorithm: &closed{length: length}} }

// Of sets Kind and returns l.
func (l *Limit) Of(kind Kind) *Limit {
	l.Kind = kind
	return l
}

// hasRoom reports whether requests with a cost of n get through now.
func (l *Limit) hasRoom(now time.Time, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.algorithm.advance(now)
	return l.algorithm.fits(float64(n))
}

// take charges requests that get through.
func (l *Limit) take(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.algorithm.take(float64(n))
}

// refuse charges refused requests if they count, and returns their wait.
func (l *Limit) refuse(n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, countsAlways := l.algorithm.(*first); countsAlways || l.CountRefused {
		l.algorithm.chargeRefused(float64(n))
	}
	return l.algorithm.wait(float64(n))
}

// isClosed reports whether the client was told to wait beyond now. If it sends at the very
// moment of that answer, it does not know the answer yet.
func (l *Limit) isClosed(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.After(l.toldAt) && now.Before(l.toldUntil)
}

// tell records that the client was told to wait, and when.
func (l *Limit) tell(now, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !now.Before(l.toldUntil) {
		l.toldAt = now
	}
	if until.After(l.toldUntil) {
		l.toldUntil = until
	}
}

package quota

import (
	"sync"
	"time"
)

// A Limit throttles requests. Make one with Bucket, Window or First, and set its
// fields before use.
type Limit struct {
	// Kind is the kind of requests that count; the limit refuses no others. The zero
	// value counts all requests.
	Kind Kind

	// CountRefused charges refused requests too, so that a client that does not wait
	// makes its own wait longer. A Bucket goes into debt, which it has to refill first.
	// A Window subtracts them from the next window, which lets through at least one request.
	// Source: learn.microsoft.com/graph/throttling (requests made while throttled count).
	CountRefused bool

	// RetryAfter writes the Retry-After header. Nil means Seconds.
	RetryAfter RetryAfter

	mu        sync.Mutex
	algorithm algorithm
	schedule  schedule

	// The client has been told to wait until toldUntil. toldAt is when it was told.
	toldAt, toldUntil time.Time
}

// A Kind is a set of requests, and how much each of them costs.
type Kind int

const (
	All           Kind = iota // every request
	Reads                     // GET and HEAD
	Writes                    // every other method
	PassReads                 // GET of Temporary Access Passes; another service than the directory answers them
	PassWrites                // other methods on passes, which the service of PassReads carries out
	SessionWrites             // calls that revoke sessions, which are writes of the directory

	// ResourceUnits counts requests by their cost: 2 for a page of users, 5 for a page
	// of transitive members, 1 for everything else. $select subtracts one, $expand adds
	// one, and $top below 20 subtracts one; the least is 1. A tenant of more than 500
	// users has Bucket(800, 8000), one of fewer than 50 users has Bucket(350, 3500). It
	// is not documented whether passes, audit logs and reports count. Here they do.
	// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
	ResourceUnits

	kinds // the number of kinds
)

// A Cost says how much one or more requests cost, by Kind.
type Cost [kinds]int

// Bucket is a token bucket that is full at first, refills at rate tokens a second and
// holds at most burst of them. The wait of a refused request ends when there is a token for
// it; that of a refused batch, when there are enough for all its requests.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func Bucket(rate, burst float64) *Limit {
	return &Limit{algorithm: &bucket{rate: rate, burst: burst, tokens: burst}}
}

// Window lets n requests through in each window. A window begins with the first
// request after the last window and lasts for the given time. A wait ends with the window.
func Window(n int, length time.Duration) *Limit {
	return &Limit{algorithm: &window{size: float64(n), length: length}}
}

// First refuses the first n requests, each with the same wait. It lets all later requests
// through, whether the client waited or not.
func First(n int, wait time.Duration) *Limit {
	return &Limit{algorithm: &first{left: float64(n), delay: wait}}
}

// Of sets Kind and returns l.
func (l *Limit) Of(kind Kind) *Limit {
	l.Kind = kind
	return l
}

// Scale multiplies the original rate of a Bucket, or the original size of a Window, by
// factor. It takes effect at the given time after the first request. Scale(t1, 0.5) and
// Scale(t2, 1) halve a limit for a while. Scale returns l.
func (l *Limit) Scale(after time.Duration, factor float64) *Limit {
	l.schedule.factors.add(after, factor)
	return l
}

// Load simulates another client that uses up perSecond requests a second, starting at
// the given time after the first request. That client gets at most nine tenths of the
// rate of a Bucket, and is refused like others when a Window is full. Load returns l.
func (l *Limit) Load(after time.Duration, perSecond float64) *Limit {
	l.schedule.loads.add(after, perSecond)
	return l
}

// hasRoom reports whether requests that cost n would get through now.
func (l *Limit) hasRoom(now time.Time, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.schedule.start.IsZero() {
		l.schedule.start = now
	}
	l.algorithm.advance(&l.schedule, now)
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
	return l.algorithm.wait(&l.schedule, float64(n))
}

// isClosed reports whether a client that sends now has been told to wait longer. A
// request that is sent at the very moment of the answer has crossed it.
func (l *Limit) isClosed(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.After(l.toldAt) && now.Before(l.toldUntil)
}

// tell notes that the client has been told at now to wait.
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

package quota

import "time"

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

	algorithm algorithm

	// At toldAt, the client was told to wait until toldUntil.
	toldAt, toldUntil time.Time
}

// A Kind is a set of requests. A request can be of several kinds.
type Kind int

const (
	Reads         Kind = 1 << iota // GET and HEAD
	Writes                         // every other method
	PassReads                      // GET of Temporary Access Passes; a service other than the directory answers them
	PassWrites                     // other methods on passes; the service of PassReads carries them out
	SessionWrites                  // calls that revoke sessions, which are writes of the directory

	All Kind = 0 // every request
)

// Bucket returns a token bucket that is full at first, refills at rate tokens per second and
// holds at most burst tokens, or one if burst is less. The wait of a refused request ends when there is a token.
// Source: learn.microsoft.com/graph/throttling-limits, identity and access.
func Bucket(rate, burst float64) *Limit {
	burst = max(burst, 1)
	return &Limit{algorithm: &bucket{rate: rate, burst: burst, tokens: burst}}
}

// Window returns a limit that lets n requests through in each window. A window begins with
// the first request after the last window, and has the given length. A wait ends with the
// window.
func Window(n int, length time.Duration) *Limit {
	return &Limit{algorithm: &window{size: n, length: length}}
}

// First returns a limit that refuses the first n requests, each with the same wait. It lets
// all later requests through, even if the client did not wait.
func First(n int, wait time.Duration) *Limit {
	return &Limit{algorithm: &first{left: n, delay: wait}}
}

// Closed returns a limit that lets one request through, and no other for the given time. It lets all later
// requests through.
func Closed(length time.Duration) *Limit { return &Limit{algorithm: &closed{length: length}} }

// Of sets Kind and returns l.
func (l *Limit) Of(kind Kind) *Limit {
	l.Kind = kind
	return l
}

// counts reports whether the limit counts a request of these kinds.
func (l *Limit) counts(kinds Kind) bool { return l.Kind == All || l.Kind&kinds != 0 }

// hasRoom reports whether a request gets through now.
func (l *Limit) hasRoom(now time.Time) bool {
	l.algorithm.advance(now)
	return l.algorithm.fits()
}

// refuse charges a refused request if it counts, and returns its wait.
func (l *Limit) refuse() time.Duration {
	if _, countsAlways := l.algorithm.(*first); countsAlways || l.CountRefused {
		l.algorithm.chargeRefused()
	}
	return l.algorithm.wait()
}

// isClosed reports whether the client was told to wait beyond now. If it sends at the very
// moment of that answer, it does not know the answer yet.
func (l *Limit) isClosed(now time.Time) bool { return now.After(l.toldAt) && now.Before(l.toldUntil) }

// tell records that the client was told to wait, and when.
func (l *Limit) tell(now, until time.Time) {
	if !now.Before(l.toldUntil) {
		l.toldAt = now
	}
	if until.After(l.toldUntil) {
		l.toldUntil = until
	}
}

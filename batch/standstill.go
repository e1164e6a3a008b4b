package batch

import "time"

// A standstill is a time in which everything waits while one batch at a time tests whether it may
// continue: an outage of the connection, or the blockade of a quota. The zero value is none.
type standstill struct {
	since    time.Time // when the first batch was sent that it held up, zero for no standstill
	nextTest time.Time // when the next batch may be sent
	testing  bool      // that batch is in flight
	failed   int       // tests in a row
}

func (s *standstill) active() bool { return !s.since.IsZero() }

// holds reports whether nothing may be sent at now, and when that changes. A zero time means
// that the reply to the current test decides.
func (s *standstill) holds(now time.Time) (held bool, until time.Time) {
	switch {
	case !s.active():
		return false, time.Time{}
	case s.testing:
		return true, time.Time{}
	}
	return now.Before(s.nextTest), s.nextTest
}

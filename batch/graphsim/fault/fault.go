package fault

import (
	"math/rand/v2"
	"sync"

	"tapsweep/batch/graphsim/internal/wire"
)

// A Fault makes requests go wrong that match all its fields. Fields that are zero
// match every request. An effect on a whole batch happens if one of its requests
// matches. If several faults match, the first one counts.
type Fault struct {
	Method string                        // the HTTP method
	Path   string                        // part of path and query, as sent
	Match  func(method, url string) bool // must not use the tenant

	// Attempt is the number of the arrival of the same method and URL, from 1. Arrivals
	// that a limit refuses count.
	Attempt int

	// Batch is the number of the batch in the order of sending, from 1.
	Batch int

	// Times is how often the fault happens at most. An Item effect does not happen to
	// a request that a limit refuses.
	Times int

	Do Effect
}

// An Effect is a way in which an answer goes wrong. The functions of this package
// make effects.
type Effect struct {
	name      string
	afterWork bool
	whole     func(*wire.HTTPResponse, *wire.Variety)
	single    func(*single)
	lottery   *lottery
}

// AfterWork returns an effect that carries the requests out before it hides the answer.
// Effects that change a true answer do so anyway.
func (e Effect) AfterWork() Effect {
	e.afterWork = true
	e.name += " after work"
	return e
}

// String returns a name for the output of tests.
func (e Effect) String() string { return e.name }

// Random makes faults that happen to the given share, from 0 to 1, of all batches, and
// to the same share of the requests in other batches. It picks one of effects each
// time, or of all effects if there are none. A client needs a timeout to survive Hang.
// The same seed and the same order of arrival make the same faults.
func Random(seed uint64, share float64, effects ...Effect) []Fault {
	if len(effects) == 0 {
		effects = allEffects()
	}
	l := &lottery{rng: rand.New(rand.NewPCG(seed, seed+1)), share: share, effects: make(map[bool][]Effect)}
	for _, e := range effects {
		isSingle := e.single != nil
		l.effects[isSingle] = append(l.effects[isSingle], e)
	}
	return []Fault{{Do: Effect{name: "random", lottery: l}}}
}

// lottery picks effects at random.
type lottery struct {
	mu      sync.Mutex
	rng     *rand.Rand
	share   float64
	effects map[bool][]Effect // on a whole batch, and on a single request
}

// draw returns one of effects, or nil if nothing should happen.
func (l *lottery) draw(effects []Effect) *Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(effects) == 0 || l.rng.Float64() >= l.share {
		return nil
	}
	return &effects[l.rng.IntN(len(effects))]
}

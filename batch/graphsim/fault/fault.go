package fault

import (
	"math/rand/v2"
	"sync"

	"tapsweep/batch/graphsim/internal/wire"
)

// A Fault makes the requests fail that match all its fields. A field that is zero
// matches every request. An effect on a whole batch happens if one of its requests
// matches. If several faults match, the first one counts.
type Fault struct {
	Method string                        // the HTTP method
	Path   string                        // a part of path and query, as sent
	Match  func(method, url string) bool // must not use the tenant

	// Attempt is how many times a request with the same method and URL has arrived, from 1.
	// This includes requests that a limit refuses.
	Attempt int

	// Batch is the number of the batch in the order of sending, from 1.
	Batch int

	// Times is the maximum number of times that the fault happens. Zero means no maximum.
	// An Item effect does not happen to a request that a limit refuses.
	Times int

	Do Effect
}

// An Effect is a way in which an answer fails. The functions of this package return
// effects.
type Effect struct {
	name      string
	afterWork bool
	whole     func(*wire.HTTPResponse, *wire.Variety)
	single    func(*single)
	lottery   *lottery
}

// AfterWork returns an effect that carries out the requests before it hides the answer.
// Effects that change a true answer always do this.
func (e Effect) AfterWork() Effect {
	e.afterWork = true
	e.name += " after work"
	return e
}

// String returns a name for the output of tests.
func (e Effect) String() string { return e.name }

// Random returns faults that happen to a share of all batches, and to the same share of
// the requests in the other batches. share is from 0 to 1. For each fault it picks one of
// effects, or one of all effects if effects is empty. A client needs a timeout because of
// Hang. The same seed and the same order of arrival result in the same faults.
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
	effects map[bool][]Effect // the key is true for effects on a single request, false for those on a whole batch
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

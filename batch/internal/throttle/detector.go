package throttle

import (
	"math"
	"slices"
	"time"
)

// A cause is what refused requests.
type cause int

const (
	pending cause = iota // more answers may settle it
	chance               // something else than the limit: the others go on
	limit                // the limit: the gate closes, and the rate is measured
	unclear              // the gate closes, and nothing is measured
)

// A detector decides whether the limit refused requests or something else did: a user, a
// partition of a backend or the moment that is busy. Each answer changes the score, the
// logarithm of the odds that it was the limit: how likely is this answer if the limit was
// reached, and how likely if requests and batches are refused by chance, at the shares seen
// so far? This is a sequential test of two hypotheses. The shares have beta distributions,
// so that little was learned from little.
type detector struct {
	last   time.Time  // when a batch was sent last
	flying []sending  // batches in flight
	recent []Feedback // answers without a refusal to batches that were sent not long before those

	shares
	before shares  // before the refusals in question
	limits float64 // how often it was the limit
	others float64 // how often it was something else

	// Of the refusals in question, if asks.
	asks     bool
	score    float64
	first    Feedback      // the batch with a refusal that was sent first
	ahead    int           // how many requests were in flight when it was sent
	refused  int           // requests
	heels    int           // answers to batches near the first one
	answered time.Time     // when the last answer came
	wait     time.Duration // the longest that was named
	until    time.Time     // when the last of the waits ends
}

// A sending is a batch in flight.
type sending struct {
	at    time.Time
	ahead int // requests in flight before it
}

// shares are what is refused by chance: of requests, of requests that were refused before,
// and of whole batches.
type shares struct{ requests, retries, batches share }

const (
	// heel is how close together two batches are sent that reach the limit together. A limit
	// of 800 a second gives back a batch of 20 in this time.
	heel = 25 * time.Millisecond

	// instant is how close together two batches are sent of which either may arrive first.
	instant = time.Millisecond

	// While answers are missing, odds of 20 to 1 for chance and of 150 to 1 for the limit
	// settle it. When none are missing, 3 to 1 for chance and 5 to 1 for the limit do. Where no
	// other batch was near, chance needs 20 to 1 as well, or 9 to 1 where it has refused more
	// often than the limit.
	clearChance  = -3
	clearLimit   = 5
	likelyChance = -1
	loneChance   = -2.2
	likelyLimit  = 1.7

	// few requests alone show no limit where chance was seen to refuse.
	few = 3

	// unclearLimit is what a question counts for as a limit that stays unclear but is likely one.
	unclearLimit = 0.25

	// The causes found so far make a limit up to 4.5 times less likely or 7 times more.
	leastPrior = -1.5
	mostPrior  = 2
)

func newDetector() detector {
	return detector{shares: shares{requests: share{0.3, 4}, retries: share{0.6, 1.4}, batches: share{0.3, 8}}}
}

// sent notes that a batch goes while so many requests are in flight.
func (d *detector) sent(now time.Time, ahead int) {
	d.last = now
	d.flying = append(d.flying, sending{now, ahead})
}

// landed notes that a batch is answered. It returns how many requests were in flight when
// it was sent. Of batches that were sent at one instant, the limit refuses the last one.
func (d *detector) landed(sent time.Time, refused bool) (ahead int) {
	is := func(f sending) bool { return f.at.Equal(sent) }
	i := slices.IndexFunc(d.flying, is)
	if i < 0 {
		return 0 // of a caller that sends by itself
	}
	for refused && i+1 < len(d.flying) && is(d.flying[i+1]) {
		i++
	}
	ahead = d.flying[i].ahead
	d.flying = slices.Delete(d.flying, i, i+1)
	return ahead
}

// accepted takes in an answer without a refusal while nothing is in question. A batch that was sent
// near this one may still be refused.
func (d *detector) accepted(r Feedback) {
	d.learn(r)
	if r.Accepted == 0 {
		return
	}
	old := r.Sent
	if len(d.flying) > 0 && d.flying[0].at.Before(old) {
		old = d.flying[0].at
	}
	i := 0
	for i < len(d.recent) && old.Sub(d.recent[i].Sent) > heel {
		i++
	}
	d.recent = append(d.recent[i:], r)
}

// holds reports whether nothing may go before until, because refusals are in question whose
// wait is not over.
func (d *detector) holds(now time.Time) (until time.Time, held bool) {
	return d.until, d.asks && now.Before(d.until)
}

// weigh takes in an answer to the question, or the refusal that raises it.
func (d *detector) weigh(now time.Time, r Feedback, ahead int) {
	if !d.asks {
		d.ask(r, ahead)
	}
	n := r.Accepted + r.Refused
	if n == 0 {
		return
	}
	d.answered = now
	gap := r.Sent.Sub(d.first.Sent)
	first, chance := r.Refused > 0 && d.refused == 0, math.Log(d.byChance(r))
	if !first && gap.Abs() < heel {
		d.heels++
	}
	begins := math.Log(byLimit(n, r.Refused, 0, true)*repeatedByLimit(r)) - chance
	switch {
	case first:
		d.score += begins
	case r.Refused > 0 && -heel < gap && gap < 0:
		// This one was sent before the one that was taken for the first.
		of := d.first.Accepted + d.first.Refused
		d.score += begins + math.Log(byLimit(of, d.first.Refused, -gap, false)/byLimit(of, d.first.Refused, 0, true))
	default:
		d.score += math.Log(byLimit(n, r.Refused, gap, false)*repeatedByLimit(r)) - chance
	}
	if r.Refused > 0 {
		d.note(now, r)
		if gap < 0 {
			d.first, d.ahead = r, ahead
		}
	}
	d.learn(r)
}

// ask raises the question with its first answer. Batches that were sent before it, or at the same
// instant, may have been answered already. They count if a part of this batch was refused: then a
// limit is reached in it, and they came before the limit or fit in.
func (d *detector) ask(r Feedback, ahead int) {
	recent := d.recent
	*d = detector{last: d.last, flying: d.flying, shares: d.shares, before: d.shares,
		limits: d.limits, others: d.others, asks: true, first: r, ahead: ahead}
	d.score = max(leastPrior, min(math.Log((d.limits+0.5)/(d.others+0.5)), mostPrior))
	for _, q := range recent {
		if gap := q.Sent.Sub(r.Sent); r.Accepted > 0 && gap < instant && gap > -heel {
			d.heels++
			d.score += math.Log(byLimit(q.Accepted, 0, gap, false) / d.byChance(q))
		}
	}
}

// note takes in the wait of a refusal.
func (d *detector) note(now time.Time, r Feedback) {
	d.wait = max(d.wait, r.wait())
	d.until = later(d.until, now.Add(r.wait()))
	d.refused += r.Refused
}

// report returns the refusals in question as one.
func (d *detector) report() Feedback {
	return Feedback{Sent: d.first.Sent, Refused: d.refused, RetryAfter: d.wait, Told: true}
}

// byLimit is the probability that refused of n requests are refused, if the limit was reached
// in the first of the batches in question, which was sent gap before this one or is this one.
func byLimit(n, refused int, gap time.Duration, first bool) float64 {
	none, all, some := 0.01, 0.86, 0.13
	switch {
	case first: // in the middle of it, or exactly before it
		none, all, some = 0.01, 0.15, 0.84
	case gap >= heel || gap <= -heel: // too far away to be evidence
		none, all, some = 0.4, 0.4, 0.2
	case gap <= -instant:
		none, all, some = 0.9, 0.02, 0.08
	case gap < instant:
		none, all, some = 0.4, 0.5, 0.1
	}
	switch {
	case refused == 0:
		return none
	case n == 1:
		return all + some
	case refused == n:
		return all
	}
	return some / float64(n-1)
}

// byChance is the probability of an answer if the limit has no part in it.
func (d *detector) byChance(r Feedback) float64 {
	whole := d.batches.refused / (d.batches.refused + d.batches.accepted)
	again := d.retries.probability(r.Retried, r.Again)
	p := (1 - whole) * again * d.requests.probability(r.Accepted+r.Refused-r.Retried, r.Refused-r.Again)
	if r.Accepted == 0 {
		p += whole
	}
	return p
}

// learn takes in an answer that the limit has no part in.
func (d *detector) learn(r Feedback) {
	switch {
	case r.Accepted+r.Refused == 0:
	case r.Accepted == 0:
		d.batches.add(1, 0)
	default:
		d.batches.add(0, 1)
		d.requests.add(float64(r.Refused-r.Again), float64(r.Accepted-r.Retried+r.Again))
		d.retries.add(float64(r.Again), float64(r.Retried-r.Again))
	}
}

// cause returns what the answers so far show. With force it does not wait for more.
func (d *detector) cause(force bool) cause {
	switch {
	case !d.asks:
		return pending
	case !force && d.misses() && d.score > clearChance && d.score < clearLimit:
		return pending
	case d.score < clearChance, d.heels > 0 && d.score < likelyChance,
		d.others > d.limits && d.score < loneChance:
		return chance
	case d.score > likelyLimit && !d.alone():
		return limit
	}
	return unclear
}

// alone reports whether a few requests were refused that had no other batch near them, where chance was
// seen to refuse. If that showed a limit, the pace would fall to single requests, of which none has
// another one near it, and never rise again.
func (d *detector) alone() bool {
	return d.heels == 0 && d.first.Accepted+d.first.Refused <= few && d.others > 0
}

// misses reports whether a batch near the first one is not yet answered.
func (d *detector) misses() bool {
	for _, f := range d.flying {
		if f.at.Sub(d.first.Sent).Abs() < heel {
			return true
		}
	}
	return false
}

// settle ends the question. What was learned from it is forgotten if the limit is the likelier cause.
func (d *detector) settle(v cause) {
	d.asks = false
	switch {
	case v == limit:
		d.shares = d.before
		d.limits++
	case v == chance && (d.heels > 0 || d.score < clearChance):
		d.others++ // without a batch near it a refusal shows little
	case v == unclear && d.score > 0:
		d.shares = d.before
		d.limits += unclearLimit
	}
}

// A share is a probability of which so many refused and accepted are known: a beta distribution.
type share struct{ refused, accepted float64 }

// shareMemory is how many requests or batches a share is of.
const shareMemory = 400

func (s *share) add(refused, accepted float64) {
	s.refused += refused
	s.accepted += accepted
	if total := s.refused + s.accepted; total > shareMemory {
		s.refused *= shareMemory / total
		s.accepted *= shareMemory / total
	}
}

// probability is that of refused among n: the beta-binomial distribution.
func (s *share) probability(n, refused int) float64 {
	k, rest := float64(refused), float64(n-refused)
	return math.Exp(logBeta(s.refused+k, s.accepted+rest) - logBeta(s.refused, s.accepted) -
		logBeta(k+1, rest+1) - math.Log(float64(n+1)))
}

// repeatedByLimit is the probability of r.Again among the r.Refused requests of a batch, if the
// limit refused them. Either the batch takes effect in order, repeated requests first, and the last
// ones are refused, or in any order.
func repeatedByLimit(r Feedback) float64 {
	n := r.Accepted + r.Refused
	fresh := n - r.Retried
	p := math.Exp(logChoose(r.Retried, r.Again)+logChoose(fresh, r.Refused-r.Again)-logChoose(n, r.Refused)) / 2
	if r.Again == max(0, r.Refused-fresh) {
		p += 0.5
	}
	return p
}

func logChoose(n, k int) float64 {
	return -math.Log(float64(n+1)) - logBeta(float64(k+1), float64(n-k+1))
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

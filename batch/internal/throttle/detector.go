package throttle

import (
	"math"
	"slices"
	"time"
)

// A cause is the reason why requests were refused.
type cause int

const (
	causePending cause = iota // unknown; more answers may show it
	causeChance               // not the limit: other requests are still sent
	causeLimit                // the limit: the gate closes, and the rate is measured
	causeUnclear              // unknown, and no answer can show it: the gate closes, and nothing is measured
)

// A detector decides whether the limit refused requests, or chance: every other cause, such as a user or a part of
// the service that is busy. The first refusal raises a question, and each answer to a batch near it is evidence.
// The evidence is added up in a score: the natural logarithm of the odds that the limit was the cause. An answer
// changes the score by the logarithm of a ratio: its probability if the limit was reached, over its probability if
// requests and batches are refused by chance. This is a sequential probability ratio test.
//
// The probabilities of chance are learned. They have beta distributions, so a few answers change them only a
// little.
type detector struct {
	lastSent time.Time   // when the last batch was sent
	inFlight []sentBatch // batches in flight, in the order of sending
	// recent are the answers without a refusal to batches that were sent near the oldest batch in flight, or after
	// it.
	recent []Feedback

	shares
	sharesBefore shares  // as they were before the question
	limitCount   float64 // number of questions for which the cause was the limit
	chanceCount  float64 // number of questions for which the cause was chance

	open       bool          // a question is open; the fields below are about it
	prior      float64       // score at the beginning, from the causes so far
	score      float64       // natural logarithm of the odds of the limit
	first      Feedback      // of the refused batches, the one that was sent first
	ahead      int           // requests in flight when first was sent
	refused    int           // requests refused since the question was raised
	neighbors  int           // number of answers to other batches near first
	lastAnswer time.Time     // when the last answer came
	wait       time.Duration // the longest wait that an answer asked for
	until      time.Time     // when the last of these waits ends
}

// A sentBatch is a batch in flight.
type sentBatch struct {
	at    time.Time
	ahead int // requests in flight before it
}

// shares are how often chance refuses a request, a repeated request, and a whole batch. A repeated request is one
// that had been refused before.
type shares struct{ requests, retries, batches share }

const (
	// Two batches that are sent within neighborGap of each other are near: if the limit refuses one, it has not
	// recovered when the other one arrives. A limit of 800 requests per second needs this time for a batch of 20.
	neighborGap = 25 * time.Millisecond

	// Two batches that are sent within instant of each other may arrive in any order.
	instant = time.Millisecond

	// The score must pass these bounds (the odds are in brackets). While answers to batches near the first one are
	// missing, chance needs clearChance (20 to 1) and the limit clearLimit (150 to 1). When none is missing, chance
	// needs likelyChance (3 to 1) and the limit likelyLimit (5 to 1). Without a batch near the first one, chance
	// needs clearChance too, or loneChance (9 to 1) if it was the cause more often than the limit.
	clearChance  = -3
	clearLimit   = 5
	likelyChance = -1
	loneChance   = -2.2
	likelyLimit  = 1.7

	// A batch of at most fewRequests shows no limit without another batch near it, if chance was ever the cause.
	fewRequests = 3

	// unclearLimit is what an unclear question adds to limitCount, if the limit is the likelier cause.
	unclearLimit = 0.25

	// A question begins with a score that depends on the causes so far. It is between leastPrior (4.5 to 1 for
	// chance) and mostPrior (7 to 1 for the limit).
	leastPrior = -1.5
	mostPrior  = 2
)

// newDetector returns a detector with the shares to begin with. They weigh as little as 2 to 8 observations.
func newDetector() detector {
	return detector{shares: shares{requests: share{0.3, 4}, retries: share{0.6, 1.4}, batches: share{0.3, 8}}}
}

// sent records that a batch is sent while ahead requests are in flight.
func (d *detector) sent(now time.Time, ahead int) {
	d.lastSent = now
	d.inFlight = append(d.inFlight, sentBatch{now, ahead})
}

// answered records the answer to a batch, and returns how many requests were in flight when it was sent. If several
// batches were sent at one instant, answered takes the last one for the refused one. It returns 0 for a batch that
// was not sent through Take.
func (d *detector) answered(sent time.Time, refused bool) (ahead int) {
	is := func(f sentBatch) bool { return f.at.Equal(sent) }
	i := slices.IndexFunc(d.inFlight, is)
	if i < 0 {
		return 0
	}
	for refused && i+1 < len(d.inFlight) && is(d.inFlight[i+1]) {
		i++
	}
	ahead = d.inFlight[i].ahead
	d.inFlight = slices.Delete(d.inFlight, i, i+1)
	return ahead
}

// accepted records an answer without a refusal while no question is open. It keeps the answer as long as a batch
// near it may still be refused.
func (d *detector) accepted(r Feedback) {
	d.learn(r)
	if r.Accepted == 0 {
		return
	}
	old := r.Sent
	if len(d.inFlight) > 0 && d.inFlight[0].at.Before(old) {
		old = d.inFlight[0].at
	}
	i := 0
	for i < len(d.recent) && old.Sub(d.recent[i].Sent) > neighborGap {
		i++
	}
	d.recent = append(d.recent[i:], r)
}

// blocks reports whether nothing may be sent before until, because a question is open and its waits are not over.
func (d *detector) blocks(now time.Time) (until time.Time, held bool) {
	return d.until, d.open && now.Before(d.until)
}

// addEvidence adds an answer to the evidence. It raises the question if none is open.
func (d *detector) addEvidence(now time.Time, r Feedback, ahead int) {
	if !d.open {
		d.openQuestion(r, ahead)
	}
	n := r.Accepted + r.Refused
	if n == 0 {
		return
	}
	d.lastAnswer = now
	gap := r.Sent.Sub(d.first.Sent)
	first, logChance := r.Refused > 0 && d.refused == 0, math.Log(d.chanceProbability(r))
	if !first && gap.Abs() < neighborGap {
		d.neighbors++
	}
	begins := math.Log(limitProbability(n, r.Refused, 0, true)*repeatedProbability(r)) - logChance
	switch {
	case first:
		d.score += begins
	case r.Refused > 0 && -neighborGap < gap && gap < 0:
		// This batch was sent before the one that seemed to be the first. So it is the first, and the other one is
		// weighed again as a later one.
		of := d.first.Accepted + d.first.Refused
		d.score += begins + math.Log(limitProbability(of, d.first.Refused, -gap, false)/
			limitProbability(of, d.first.Refused, 0, true))
	default:
		d.score += math.Log(limitProbability(n, r.Refused, gap, false)*repeatedProbability(r)) - logChance
	}
	if r.Refused > 0 {
		d.addRefusal(now, r)
		if gap < 0 {
			d.first, d.ahead = r, ahead
		}
	}
	d.learn(r)
}

// openQuestion raises the question about a first refused batch. Batches that were sent shortly before it, or at the
// same instant, may have been answered already. They are evidence if a part of this batch was accepted: then the
// limit would be reached within this batch, and so it would accept those before it.
func (d *detector) openQuestion(r Feedback, ahead int) {
	recent := d.recent
	*d = detector{lastSent: d.lastSent, inFlight: d.inFlight, shares: d.shares, sharesBefore: d.shares,
		limitCount: d.limitCount, chanceCount: d.chanceCount, open: true, first: r, ahead: ahead}
	d.prior = max(leastPrior, min(math.Log((d.limitCount+0.5)/(d.chanceCount+0.5)), mostPrior))
	d.score = d.prior
	for _, q := range recent {
		if gap := q.Sent.Sub(r.Sent); r.Accepted > 0 && gap < instant && gap > -neighborGap {
			d.neighbors++
			d.score += math.Log(limitProbability(q.Accepted, 0, gap, false) / d.chanceProbability(q))
		}
	}
}

// addRefusal records the wait that a refusal asks for, and the refused requests.
func (d *detector) addRefusal(now time.Time, r Feedback) {
	d.wait = max(d.wait, r.wait())
	d.until = later(d.until, now.Add(r.wait()))
	d.refused += r.Refused
}

// refusals returns all refusals of the question as one Feedback.
func (d *detector) refusals() Feedback {
	return Feedback{Sent: d.first.Sent, Refused: d.refused, RetryAfter: d.wait, HasRetryAfter: true}
}

// limitProbability returns the probability that refused of n requests are refused, if the limit was reached within
// the first batch of the question. first means that these n requests are that batch. Otherwise they were sent gap
// after it, or before it if gap is negative.
func limitProbability(n, refused int, gap time.Duration, first bool) float64 {
	// These are the probabilities that no request of the batch is refused, all are, or a part is.
	none, all, some := 0.01, 0.86, 0.13
	switch {
	case first: // the limit is reached within this batch, or just before it
		none, all, some = 0.01, 0.15, 0.84
	case gap >= neighborGap || gap <= -neighborGap: // too far away to be evidence
		none, all, some = 0.4, 0.4, 0.2
	case gap <= -instant: // it arrived before the limit was reached
		none, all, some = 0.9, 0.02, 0.08
	case gap < instant: // it may have arrived before or after
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

// chanceProbability returns the probability of an answer if chance is the cause.
func (d *detector) chanceProbability(r Feedback) float64 {
	whole := d.batches.refused / (d.batches.refused + d.batches.accepted)
	again := d.retries.probability(r.Retried, r.RefusedAgain)
	p := (1 - whole) * again * d.requests.probability(r.Accepted+r.Refused-r.Retried, r.Refused-r.RefusedAgain)
	if r.Accepted == 0 {
		p += whole
	}
	return p
}

// learn adds an answer to the shares of chance.
func (d *detector) learn(r Feedback) {
	switch {
	case r.Accepted+r.Refused == 0:
	case r.Accepted == 0:
		d.batches.add(1, 0)
	default:
		d.batches.add(0, 1)
		d.requests.add(float64(r.Refused-r.RefusedAgain), float64(r.Accepted-r.Retried+r.RefusedAgain))
		d.retries.add(float64(r.RefusedAgain), float64(r.Retried-r.RefusedAgain))
	}
}

// cause returns the cause that the evidence shows. With force it does not wait for missing answers. Without them,
// causes found earlier do not count for the limit: otherwise one wrong cause would lead to the next one.
func (d *detector) cause(force bool) cause {
	switch {
	case !d.open:
		return causePending
	case !force && d.awaitsNeighbor() && d.score > clearChance && d.score-max(d.prior, 0) < clearLimit:
		return causePending
	case d.score < clearChance, d.neighbors > 0 && d.score < likelyChance,
		d.chanceCount > d.limitCount && d.score < loneChance:
		return causeChance
	case d.score > likelyLimit && !d.tooFewAlone():
		return causeLimit
	}
	return causeUnclear
}

// tooFewAlone reports whether a batch of few requests was refused without another batch near it, although chance
// was the cause before. Such a batch does not show a limit. Otherwise the pace could fall to single requests and
// stay there, because these have no batch near them either.
func (d *detector) tooFewAlone() bool {
	return d.neighbors == 0 && d.first.Accepted+d.first.Refused <= fewRequests && d.chanceCount > 0
}

// awaitsNeighbor reports whether the answer to a batch near the first one is missing.
func (d *detector) awaitsNeighbor() bool {
	for _, f := range d.inFlight {
		if f.at.Sub(d.first.Sent).Abs() < neighborGap {
			return true
		}
	}
	return false
}

// closeQuestion closes the question. The shares become what they were before if the limit is the likelier cause.
func (d *detector) closeQuestion(v cause) {
	d.open = false
	switch {
	case v == causeLimit:
		d.shares = d.sharesBefore
		d.limitCount++
	case v == causeChance && (d.neighbors > 0 || d.score < clearChance):
		// Without a batch near it, a refusal shows little unless the score is clear. Then it is not counted.
		d.chanceCount++
	case v == causeUnclear && d.score > 0:
		d.shares = d.sharesBefore
		d.limitCount += unclearLimit
	}
}

// A share is an estimated probability: a beta distribution after so many refused and accepted requests or batches.
type share struct{ refused, accepted float64 }

// shareMemory is the most observations in a share. Beyond it, old ones count less and less.
const shareMemory = 400

// add adds observations.
func (s *share) add(refused, accepted float64) {
	s.refused += refused
	s.accepted += accepted
	if total := s.refused + s.accepted; total > shareMemory {
		s.refused *= shareMemory / total
		s.accepted *= shareMemory / total
	}
}

// probability returns the probability that refused of n are refused: the beta-binomial distribution.
func (s *share) probability(n, refused int) float64 {
	k, rest := float64(refused), float64(n-refused)
	return math.Exp(logBeta(s.refused+k, s.accepted+rest) - logBeta(s.refused, s.accepted) -
		logBeta(k+1, rest+1) - math.Log(float64(n+1)))
}

// repeatedProbability returns the probability that of r.Refused requests r.RefusedAgain are repeated ones, if the
// limit refused them. In one half of the cases a batch takes effect in order, with repeated requests first, so the
// last requests are refused. In the other half it takes effect in any order.
func repeatedProbability(r Feedback) float64 {
	n := r.Accepted + r.Refused
	neverRefused := n - r.Retried
	p := math.Exp(logChoose(r.Retried, r.RefusedAgain)+logChoose(neverRefused, r.Refused-r.RefusedAgain)-
		logChoose(n, r.Refused)) / 2
	if r.RefusedAgain == max(0, r.Refused-neverRefused) {
		p += 0.5
	}
	return p
}

// logChoose returns the logarithm of n over k.
func logChoose(n, k int) float64 {
	return -math.Log(float64(n+1)) - logBeta(float64(k+1), float64(n-k+1))
}

// logBeta returns the logarithm of the beta function.
func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

package throttle

import (
	"math"
	"testing"
	"time"
)

// A seen is a batch of size requests of which some were refused. It was sent after milliseconds after the
// first one.
type seen struct {
	after         float64
	size, refused int
	retried       int // of size, refused before
}

// addAll adds answers to the evidence, and returns the cause. Batches in missing are in flight.
func addAll(d *detector, answers []seen, missing ...float64) cause {
	ms := func(x float64) time.Time { return at(x / 1000) }
	for _, m := range missing {
		d.sent(ms(m), 0)
	}
	for _, s := range answers {
		d.addEvidence(ms(s.after+50), Feedback{Sent: ms(s.after), Accepted: s.size - s.refused, Refused: s.refused,
			Retried: s.retried, RefusedAgain: min(s.retried, s.refused), RetryAfter: time.Second,
			HasRetryAfter: true}, 0)
	}
	return d.cause(false)
}

// The batches that are sent right after a refusal decide whether the limit was its cause.
func TestCause(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []seen
		missing []float64
		want    cause
	}{
		{"a batch refused in part, and the next one whole", []seen{{0, 20, 12, 0}, {5, 20, 20, 0}}, nil, causeLimit},
		{"two batches refused whole", []seen{{0, 20, 20, 0}, {5, 20, 20, 0}}, nil, causeLimit},
		{"a batch refused whole, and the next one accepted", []seen{{0, 20, 20, 0}, {5, 20, 0, 0}}, nil, causeChance},
		{"one request refused, and the next batch accepted", []seen{{0, 20, 1, 0}, {5, 20, 0, 0}}, nil, causeChance},
		{"a third of two batches refused", []seen{{0, 20, 7, 0}, {5, 20, 6, 0}, {10, 20, 7, 0}}, nil, causeChance},
		{"a batch refused whole, and nothing near it", []seen{{0, 20, 20, 0}}, nil, causeUnclear},
		{"one request refused, and nothing near it", []seen{{0, 20, 1, 0}}, nil, causeUnclear},
		{"a batch accepted much later", []seen{{0, 20, 20, 0}, {500, 20, 0, 0}}, nil, causeUnclear},
		{"the next batch is not answered", []seen{{0, 20, 1, 0}}, []float64{5}, causePending},
		{"a batch much later is not answered", []seen{{0, 20, 20, 0}}, []float64{500}, causeUnclear},
		{"requests that were refused before, and new ones accepted", []seen{{0, 20, 10, 10}, {5, 20, 10, 10}}, nil,
			causeChance},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDetector()
			if got := addAll(&d, tt.answers, tt.missing...); got != tt.want {
				t.Errorf("cause %d with a score of %.1f, want %d", got, d.score, tt.want)
			}
		})
	}
}

// Nothing is sent before the end of the longest wait, unless the question is closed.
func TestQuestionBlocks(t *testing.T) {
	d := newDetector()
	addAll(&d, []seen{{0, 20, 1, 0}}, 5)
	if until, held := d.blocks(at(1)); !held || !until.Equal(at(1.05)) {
		t.Errorf("held %v until %v, want until a second after the answer", held, until)
	}
	if _, held := d.blocks(at(1.05)); held {
		t.Error("held when the wait is over")
	}
	d.closeQuestion(causeChance)
	if _, held := d.blocks(at(0.1)); held {
		t.Error("held after the cause was found")
	}
}

// The shares of chance are learned from answers. If the limit was the cause, they become what they were
// before.
func TestSharesAreLearned(t *testing.T) {
	d := newDetector()
	for range 40 {
		d.learn(Feedback{Accepted: 17, Refused: 3})
	}
	if got := d.requests.refused / (d.requests.refused + d.requests.accepted); math.Abs(got-0.15) > 0.01 {
		t.Errorf("a share of %.3f learned, want 0.15", got)
	}
	before := d.shares
	addAll(&d, []seen{{0, 20, 20, 0}, {5, 20, 20, 0}})
	if d.closeQuestion(causeLimit); d.shares != before {
		t.Errorf("shares %v after the limit refused, want %v as before", d.shares, before)
	}
}

// If only repeated requests are refused, the cause is a limit of their own.
func TestOnlyRepeatedRequestsAreRefused(t *testing.T) {
	score := func(again int) float64 {
		d := newDetector()
		d.addEvidence(at(0), Feedback{Sent: at(0), Accepted: 16, Refused: 4, Retried: 4, RefusedAgain: again}, 0)
		return d.score
	}
	if own, mixed := score(4), score(1); own > mixed-3 {
		t.Errorf("score %.1f if only repeated requests are refused, want at least 3 below the %.1f of a mixture",
			own, mixed)
	}
}

// Answers give the same cause in any order.
func TestOrderOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name      string
		one, next seen
		want      cause
	}{
		{"both refused", seen{0, 15, 15, 0}, seen{8, 15, 15, 0}, causeLimit},
		{"in the middle of the first", seen{0, 20, 5, 0}, seen{8, 20, 20, 0}, causeLimit},
	} {
		for name, answers := range map[string][]seen{"in order": {tt.one, tt.next}, "out of order": {tt.next, tt.one}} {
			d := newDetector()
			if got := addAll(&d, answers); got != tt.want {
				t.Errorf("%s, %s: cause %d with a score of %.1f, want %d", tt.name, name, got, d.score, tt.want)
			}
			if !d.first.Sent.Equal(t0) {
				t.Errorf("%s, %s: the first batch was sent at %v, want 0", tt.name, name, d.first.Sent.Sub(t0))
			}
		}
	}
}

// Without a batch near the refused one, chance needs odds of 20 to 1, or of 9 to 1 if it was the cause more
// often than the limit.
func TestLoneChance(t *testing.T) {
	for _, tt := range []struct {
		score, others float64
		want          cause
	}{{-3.1, 0, causeChance}, {-2.9, 0, causeUnclear}, {-2.9, 1, causeUnclear}, {-2.9, 1.1, causeChance},
		{-2.21, 2, causeChance},
		{-2.19, 2, causeUnclear}} {
		d := newDetector()
		d.open, d.score, d.limitCount, d.chanceCount = true, tt.score, 1, tt.others
		if got := d.cause(true); got != tt.want {
			t.Errorf("score %.2f, chance %.1f times and the limit once: cause %d, want %d",
				tt.score, tt.others, got, tt.want)
		}
	}
}

// The probabilities of all ways to choose the refused requests add up to one.
func TestRepeatedProbability(t *testing.T) {
	sum := 0.0
	for again := range 5 {
		sum += repeatedProbability(Feedback{Accepted: 16, Refused: 4, Retried: 4, RefusedAgain: again})
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the probabilities add up to %v, want 1", sum)
	}
}

// The probabilities of all numbers of refusals add up to one.
func TestShareProbability(t *testing.T) {
	s := share{0.3, 4}
	sum := 0.0
	for k := range 21 {
		sum += s.probability(20, k)
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the probabilities add up to %v", sum)
	}
	if p := s.probability(0, 0); math.Abs(p-1) > 1e-9 {
		t.Errorf("probability %v of nothing refused among none, want 1", p)
	}
}

// A refusal sets the ceiling. A refused trial does not change it, and a refusal far below removes it.
func TestCeiling(t *testing.T) {
	var c ceiling
	if !math.IsInf(c.most(), 1) {
		t.Errorf("most %v before any refusal, want no bound", c.most())
	}
	c.refusedAt(60)
	if c.most() != 60 {
		t.Errorf("most %v after a refusal with 60 in flight, want 60", c.most())
	}
	if c.acceptedAt(60*100, 60); c.most() != 60 {
		t.Errorf("most %v before the trial, want 60", c.most())
	}
	if c.acceptedAt(1, 60); c.most() != 90 {
		t.Errorf("most %v in the trial, want 90", c.most())
	}
	if c.refusedAt(60); c.most() != 60 {
		t.Errorf("most %v after a refused trial, want 60", c.most())
	}
	if c.acceptedAt(60*(100+4), 60); !c.inTrial() {
		t.Error("the trial is over after four times the ceiling, want one request more")
	}
	if c.acceptedAt(1, 60); c.inTrial() || c.most() != 90 {
		t.Errorf("most %v after a trial without a refusal, want 90", c.most())
	}
	c.refusedAt(30)
	if !math.IsInf(c.most(), 1) {
		t.Errorf("most %v after a refusal far below, want no bound", c.most())
	}
}

// Answers that came before the refusal are evidence if their batch was sent before it or with it, and if a
// part of the refused batch was accepted.
func TestEarlierAnswersCount(t *testing.T) {
	for _, tt := range []struct {
		name      string
		before    float64 // when the accepted batch was sent, in milliseconds
		refused   int     // of 20, sent at 0
		neighbors int
		want      cause
	}{
		{"at one instant, one refused", 0, 1, 1, causeChance},
		{"sent 24 ms before, one refused", -24, 1, 1, causeUnclear},
		{"sent 26 ms before, one refused", -26, 1, 0, causeUnclear},
		{"sent 2 ms behind, one refused", 2, 1, 0, causeUnclear},
		{"at one instant, all refused", 0, 20, 0, causeUnclear},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDetector()
			d.accepted(Feedback{Sent: at(tt.before / 1000), Accepted: 20})
			got := addAll(&d, []seen{{0, 20, tt.refused, 0}})
			if got != tt.want || d.neighbors != tt.neighbors {
				t.Errorf("cause %d with a score of %.1f and %d batches near, want %d and %d", got, d.score, d.neighbors,
					tt.want, tt.neighbors)
			}
		})
	}
}

// Answers to batches that were sent long before those in flight are no evidence.
func TestEarlierAnswersAreForgotten(t *testing.T) {
	d := newDetector()
	for i := range 100 {
		d.accepted(Feedback{Sent: at(float64(i) / 100), Accepted: 20})
	}
	if len(d.recent) != 3 {
		t.Errorf("%d answers are kept, want those of the last 25 ms", len(d.recent))
	}
}

// If chance was a cause before, three requests alone do not show a limit.
func TestFewRequestsAlone(t *testing.T) {
	for _, tt := range []struct {
		others              float64
		accepted, neighbors int
		want                cause
	}{{0, 0, 0, causeLimit}, {0.1, 0, 0, causeUnclear}, {0.1, 2, 0, causeUnclear}, {0.1, 3, 0, causeLimit},
		{0.1, 0, 1, causeLimit}} {
		d := newDetector()
		d.open, d.score, d.chanceCount, d.neighbors = true, 3, tt.others, tt.neighbors
		d.first = Feedback{Sent: t0, Accepted: tt.accepted, Refused: 1}
		if got := d.cause(true); got != tt.want {
			t.Errorf("chance seen %v times, %d accepted and one refused, %d batches near: cause %d, want %d",
				tt.others, tt.accepted, tt.neighbors, got, tt.want)
		}
	}
}

// The causes so far make a limit at most 4.5 times less likely, or 7 times more.
func TestPrior(t *testing.T) {
	for _, tt := range []struct{ limits, others, want float64 }{
		{0, 0, 0}, {0, 1, math.Log(0.5 / 1.5)}, {0, 50, -1.5}, {1, 0, math.Log(3)}, {50, 0, 2},
	} {
		d := newDetector()
		d.limitCount, d.chanceCount = tt.limits, tt.others
		if d.openQuestion(Feedback{Sent: t0}, 0); math.Abs(d.score-tt.want) > 1e-9 {
			t.Errorf("limit %v times and chance %v times: score %.2f at first, want %.2f", tt.limits, tt.others,
				d.score, tt.want)
		}
	}
}

// While the answer to a neighbor is missing, limits that were found earlier do not show a limit.
func TestEarlierLimitsDoNotDecideEarly(t *testing.T) {
	answers := []seen{{0, 3, 1, 0}}
	for _, limits := range []float64{0, 50} {
		d := newDetector()
		d.limitCount, d.requests = limits, share{0.3, 60}
		if got := addAll(&d, answers, 5); got != causePending {
			t.Errorf("limit found %v times, and the next batch is not answered: cause %d with a score of %.1f, want %d",
				limits, got, d.score, causePending)
		}
	}
}

// The limit counts as a cause. Chance counts if it is clear or a batch was near. If the cause is unclear but
// the limit is likelier, it counts as a quarter of a limit. In that case, and if it was the limit, the
// shares become what they were before.
func TestCloseQuestion(t *testing.T) {
	for _, tt := range []struct {
		cause
		score, limits, others float64
		forgotten             bool
	}{{causeLimit, 3, 2, 1, true}, {causeChance, -3.1, 1, 2, false}, {causeChance, -2.9, 1, 1, false},
		{causeUnclear, 0.1, 1.25, 1, true}, {causeUnclear, -0.1, 1, 1, false}} {
		d := newDetector()
		d.limitCount, d.chanceCount, d.score, d.sharesBefore = 1, 1, tt.score, shares{requests: share{1, 1}}
		d.closeQuestion(tt.cause)
		if d.limitCount != tt.limits || d.chanceCount != tt.others || (d.shares == d.sharesBefore) != tt.forgotten {
			t.Errorf("cause %d with a score of %v: limits %v, others %v, forgotten %v, want %v, %v and %v",
				tt.cause, tt.score, d.limitCount, d.chanceCount, d.shares == d.sharesBefore, tt.limits, tt.others,
				tt.forgotten)
		}
	}
}

package throttle

import (
	"math"
	"testing"
	"time"
)

// A seen is a batch of size requests of which some were refused, sent some milliseconds after
// the first one.
type seen struct {
	after         float64
	size, refused int
	retried       int // of size, refused before
}

// ask weighs answers, and returns the verdict after them. Batches in missing are not answered.
func ask(d *detector, answers []seen, missing ...float64) verdict {
	ms := func(x float64) time.Time { return at(x / 1000) }
	for _, m := range missing {
		d.sent(ms(m), 0)
	}
	for _, s := range answers {
		d.weigh(ms(s.after+50), Report{Sent: ms(s.after), Accepted: s.size - s.refused, Refused: s.refused,
			Retried: s.retried, Again: min(s.retried, s.refused), RetryAfter: time.Second, Told: true}, 0)
	}
	return d.verdict(false)
}

// What is sent right behind a refusal decides whether a limit made it.
func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []seen
		missing []float64
		want    verdict
	}{
		{"a batch refused in part, and the next one whole", []seen{{0, 20, 12, 0}, {5, 20, 20, 0}}, nil, limit},
		{"two batches refused whole", []seen{{0, 20, 20, 0}, {5, 20, 20, 0}}, nil, limit},
		{"a batch refused whole, and the next one accepted", []seen{{0, 20, 20, 0}, {5, 20, 0, 0}}, nil, chance},
		{"one request refused, and the next batch accepted", []seen{{0, 20, 1, 0}, {5, 20, 0, 0}}, nil, chance},
		{"a third of two batches refused", []seen{{0, 20, 7, 0}, {5, 20, 6, 0}, {10, 20, 7, 0}}, nil, chance},
		{"a batch refused whole, and nothing near it", []seen{{0, 20, 20, 0}}, nil, unclear},
		{"one request refused, and nothing near it", []seen{{0, 20, 1, 0}}, nil, unclear},
		{"a batch accepted much later", []seen{{0, 20, 20, 0}, {500, 20, 0, 0}}, nil, unclear},
		{"the next batch is not answered", []seen{{0, 20, 1, 0}}, []float64{5}, pending},
		{"a batch much later is not answered", []seen{{0, 20, 20, 0}}, []float64{500}, unclear},
		{"requests that were refused before, and new ones accepted", []seen{{0, 20, 10, 10}, {5, 20, 10, 10}}, nil,
			chance},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDetector()
			if got := ask(&d, tt.answers, tt.missing...); got != tt.want {
				t.Errorf("verdict %d with a score of %.1f, want %d", got, d.score, tt.want)
			}
		})
	}
}

// Nothing may go before the longest wait that was named, unless the question is settled.
func TestQuestionHolds(t *testing.T) {
	d := newDetector()
	ask(&d, []seen{{0, 20, 1, 0}}, 5)
	if until, held := d.holds(at(1)); !held || !until.Equal(at(1.05)) {
		t.Errorf("held %v until %v, want until a second after the answer", held, until)
	}
	if _, held := d.holds(at(1.05)); held {
		t.Error("held when the wait is over")
	}
	d.settle(chance)
	if _, held := d.holds(at(0.1)); held {
		t.Error("held after the verdict")
	}
}

// The shares of what is refused by chance are learned, and forgotten where the limit refused.
func TestSharesAreLearned(t *testing.T) {
	d := newDetector()
	for range 40 {
		d.learn(Report{Accepted: 17, Refused: 3})
	}
	if got := d.requests.refused / (d.requests.refused + d.requests.accepted); math.Abs(got-0.15) > 0.01 {
		t.Errorf("a share of %.3f learned, want 0.15", got)
	}
	before := d.shares
	ask(&d, []seen{{0, 20, 20, 0}, {5, 20, 20, 0}})
	if d.settle(limit); d.shares != before {
		t.Errorf("shares %v after the limit refused, want %v as before", d.shares, before)
	}
	for range 1000 {
		d.learn(Report{Accepted: 20})
	}
	if got := d.requests.refused / (d.requests.refused + d.requests.accepted); got < leastShare*0.99 {
		t.Errorf("a share of %.4f after many acceptances, want at least %v", got, leastShare)
	}
}

// Of a batch, four requests are refused, and the next batch whole. If those were refused before, and
// it was clearly something else than the limit lately, they may have limits of their own: the gate
// closes, but nothing is measured.
func TestOnlyRepeatedRequestsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		others float64
		again  int
		want   verdict
	}{
		{1, 0, limit}, {1, 2, limit}, {1, 3, unclear}, {1, 4, unclear},
		{someOthers, 4, limit},
	} {
		d := newDetector()
		d.limits, d.others = tt.others, tt.others
		d.weigh(at(0), Report{Sent: at(0), Accepted: 16, Refused: 4, Retried: 4, Again: tt.again}, 0)
		d.weigh(at(0.01), Report{Sent: at(0.005), Refused: 20}, 0)
		if got := d.verdict(false); got != tt.want {
			t.Errorf("%d of four refused requests were refused before, something else lately: %.1f; verdict %d, want %d",
				tt.again, tt.others, got, tt.want)
		}
	}
}

// The probabilities of all ways to choose the refused requests add up to one.
func TestRepeatedByLimit(t *testing.T) {
	sum := 0.0
	for again := range 5 {
		sum += repeatedByLimit(Report{Accepted: 16, Refused: 4, Retried: 4, Again: again})
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

// A refusal sets the ceiling, a refused trial confirms it, and refusals below remove it.
func TestCeiling(t *testing.T) {
	var c ceiling
	if !math.IsInf(c.most(), 1) {
		t.Errorf("most %v before any refusal, want no bound", c.most())
	}
	c.reached(60)
	if c.most() != 60 {
		t.Errorf("most %v after a refusal with 60 in flight, want 60", c.most())
	}
	if c.passed(60*firstTrial, 60); c.most() != 60 {
		t.Errorf("most %v before the trial, want 60", c.most())
	}
	if c.passed(1, 60); c.most() != 90 {
		t.Errorf("most %v in the trial, want 90", c.most())
	}
	if c.reached(60); c.most() != 60 || !c.found {
		t.Errorf("most %v, found %v after a refused trial, want 60 and true", c.most(), c.found)
	}
	c.passed(60*(4*firstTrial+trialRounds)+1, 60)
	if c.most() != 90 {
		t.Errorf("most %v after a trial without a refusal, want 90", c.most())
	}
	c.reached(30)
	if !math.IsInf(c.most(), 1) {
		t.Errorf("most %v after a refusal far below, want no bound", c.most())
	}
}

package batch

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
)

// A verdict is the meaning of a reply for a request in its batch, or for the whole batch. For its
// effects, see the table consequences.
type verdict uint8

const (
	answered           verdict = iota // the final answer of Graph, whatever its status
	uncertain                         // the request may have been carried out, and may succeed later
	throttled                         // 429
	tokenRefused                      // 401
	disconnected                      // there was no connection, so nothing was sent
	blocked                           // something in front of Graph rejected the batch
	rejectedWithOthers                // Graph rejected the batch, perhaps because of another request in it
	suspect                           // Graph rejected the request alone, and has accepted no batch since
	rejected                          // Graph rejected the request for good
	unsent                            // there was no token, or BeforeSend failed; the run stops
)

// A consequence is what follows from a verdict.
type consequence struct {
	attempt     bool // counts as an attempt
	uncertain   bool // the request may have been carried out
	releasesKey bool // other requests with the same Key may be sent

	// next decides when the request is sent again. Nil settles it.
	next func(*loop, *item, *inFlightBatch)
}

var consequences = [...]consequence{
	answered:           {attempt: true, releasesKey: true},
	rejected:           {attempt: true, releasesKey: true},
	uncertain:          {attempt: true, releasesKey: true, uncertain: true, next: (*loop).retryOrGiveUp},
	throttled:          {releasesKey: true, next: (*loop).waitAsAsked},
	unsent:             {releasesKey: true, next: (*loop).sendAgain},
	tokenRefused:       {next: (*loop).renewAndSendAgain},
	disconnected:       {next: (*loop).sendAgain}, // when the outage is over
	blocked:            {next: (*loop).sendAgain}, // when the blockade is over
	rejectedWithOthers: {next: (*loop).sendAgain}, // with half of the others
	suspect:            {next: (*loop).sendAlone},
}

// onVerdict applies the consequence of the verdict on request i of a batch.
func (l *loop) onVerdict(v verdict, b *inFlightBatch, i int) {
	it, c := b.items[i], &consequences[v]
	it.record(b, i, v)
	it.Uncertain = it.Uncertain || c.uncertain
	if c.attempt {
		it.Attempts++
	}
	if c.releasesKey {
		l.releaseKey(it)
	}
	switch {
	case c.next == nil:
		if it.Err = nil; v == rejected {
			it.Err = it.cause
		}
		l.settle(it)
	case l.stopped != nil:
		it.queue.push(it) // drain settles it
	default:
		c.next(l, it, b)
	}
}

// classifyBatch returns the verdict on the whole batch. If Graph answered its requests, the verdict is answered, and
// each request has its own verdict.
//
// A batch that is rejected with a 4xx has no effect. If Graph rejects it, one bad request can be the cause. Then the
// answer has an error code, and its message may name the request.
// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
func (b *inFlightBatch) classifyBatch() verdict {
	whole, ok := errors.AsType[*StatusError](b.err)
	switch {
	case b.err == nil:
		return answered
	case b.stops != nil:
		return unsent
	case errors.Is(b.err, ErrNotSent):
		return disconnected
	case !ok:
		return uncertain
	case whole.Status >= 300 && whole.Status < 400:
		return blocked
	}
	switch v := verdictOf(whole.Status); {
	case whole.Status < 300: // such as 202, which has no answers to the requests
		return uncertain
	case v == tokenRefused && whole.Code == "", whole.Status == http.StatusForbidden:
		return blocked // because of the caller or this machine
	case v == answered && whole.Code == "" && whole.Status != http.StatusRequestEntityTooLarge:
		return blocked
	case v == answered:
		return rejected
	default:
		return v
	}
}

// verdictOf returns the verdict for an HTTP status. After 408, 424 or 5xx it is not known whether the request was
// carried out.
func verdictOf(status int) verdict {
	switch {
	case status == http.StatusUnauthorized:
		return tokenRefused
	case status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusRequestTimeout, status == http.StatusFailedDependency, status >= 500:
		return uncertain
	}
	return answered
}

// classify returns the verdict on request i of the batch.
func (b *inFlightBatch) classify(i int) verdict {
	it := b.items[i]
	// Graph has accepted another batch since it first rejected one with the request.
	acceptedSince := cmp.Or(it.firstRejected, b.seq) < it.queue.blockade.lastAccepted
	switch {
	case b.verdict == answered:
		return b.classifyAnswer(i)
	case b.verdict == rejected && len(b.items) > 1:
		return rejectedWithOthers
	case b.verdict == rejected && it.soloRejections < fewRejections && !acceptedSince:
		return suspect
	}
	return b.verdict
}

func (b *inFlightBatch) classifyAnswer(i int) verdict {
	a := &b.answers[i]
	if a.err != nil || a.Status < 300 && holdsError(a.Body) {
		return uncertain
	}
	v := verdictOf(a.Status)
	if v == tokenRefused && b.items[i].tokenRefusalsInRow > 0 && b.tookToken() {
		return answered // the token is not the cause: other requests of the batch were answered
	}
	return v
}

// tookToken reports whether a request of the batch has an answer other than 401 and 429.
func (b *inFlightBatch) tookToken() bool {
	return slices.ContainsFunc(b.answers, func(a answer) bool {
		v := verdictOf(a.Status)
		return a.err == nil && v != tokenRefused && v != throttled
	})
}

// wasAccepted reports whether Graph answered a request of the batch.
func (b *inFlightBatch) wasAccepted() bool {
	return slices.ContainsFunc(b.answers, func(a answer) bool { return a.err == nil })
}

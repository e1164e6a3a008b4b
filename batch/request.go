package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// MaxRequests is the most requests Graph takes in one batch.
// Source: learn.microsoft.com/graph/json-batching, "Batch size limitations".
const MaxRequests = 20

// A Request is one individual request that travels inside a batch.
type Request struct {
	// Method is the HTTP verb, in upper case.
	Method string

	// URL is the path and query below the root and version, already
	// percent-encoded, such as "/users/9f0c…/revokeSignInSessions". Graph
	// refuses a whole batch for one absolute URL; Run does so for that request.
	URL string

	// Headers go into the batch as they are. Content-Type is added when there
	// is a Body, because Graph refuses a body without one.
	Headers map[string]string

	// Body is a JSON value, nil for none.
	Body json.RawMessage

	// Quota names the limit of the service that the request counts against, such
	// as "read" or "write". Requests of different quotas never share a batch, and
	// those of one do not wait for another's gate. Empty is a quota like any
	// other. There should be a handful: each costs state as long as the run lasts.
	Quota string

	// Key names what the request writes to, such as a user. Two requests with
	// the same Key, whatever their Quota, are never in one batch and never in
	// flight at once: Graph runs the requests of a batch in parallel, and parallel
	// writes to one user's authentication methods get lost. Empty means no
	// restriction.
	// Source: KelvinTegelaar/CIPP-API PR#1938.
	Key string

	// Delay is how long the request waits before its first attempt. The zero
	// value sends it as soon as the pace allows.
	Delay time.Duration

	// Tag is the caller's; Run hands it back with the Result.
	Tag any
}

// A Response is one individual response out of a batch response.
type Response struct {
	// Status is the HTTP status of the individual request, 0 when there is none.
	Status int

	// Header holds the individual response's headers under canonical names.
	Header http.Header

	// Body is the JSON value as Graph sent it: an object, a string (text, or
	// base64 of other types), or nil.
	Body json.RawMessage
}

// A Result tells what became of one Request.
type Result struct {
	Request Request

	// Response is the answer to the last attempt; its Status is 0 when there was none.
	Response Response

	// Attempts counts how often the request was sent, but for what says nothing of it:
	// refusals for the pace (429) and of a token that was then replaced (401), batches
	// that were refused for the sake of another request, and what found no connection.
	Attempts int

	// Throttled counts how often the request was refused with 429.
	Throttled int

	// Uncertain tells that an attempt may have been carried out although no
	// answer says so: a dead connection, a 5xx, an unreadable or missing answer.
	Uncertain bool

	// RequestID is Graph's request-id for the last attempt, for Microsoft's
	// support; empty when no answer carried one.
	RequestID string

	// Date is the service's time of the last attempt's answer, as its Date header
	// tells; the local time where there is none, zero if nothing was sent.
	Date time.Time

	// Err is nil when Response is Graph's final word, whatever its Status.
	// Otherwise it is or wraps ErrNotSent, ErrInvalid, ErrNoResponse, ErrAttempts, or
	// the *StatusError with which Graph refused the whole batch.
	Err error
}

// Stopped tells whether it was the end of the run that kept the request from being
// sent, or from being sent again; Uncertain tells the two apart. What Settle then
// asks for is dropped.
func (r *Result) Stopped() bool { return errors.Is(r.Err, ErrNotSent) }

var (
	// ErrNotSent says that nothing left this machine. A Poster returns it where it
	// found no connection; in a Result it says that the run stopped before.
	ErrNotSent = errors.New("not sent")

	// ErrInvalid says that Graph would have refused a whole batch for the request, which
	// was not sent: no method, a URL that is not a path or not encoded, a body that is
	// not JSON.
	ErrInvalid = errors.New("refused before it was sent")

	// ErrNoResponse says that a batch response held no usable response for the
	// request: missing, doubled with different statuses, or unreadable.
	ErrNoResponse = errors.New("no response for the request in the batch response")

	// ErrAttempts says that the last of MaxAttempts failed too. It wraps why.
	ErrAttempts = errors.New("gave up")

	// ErrUnreachable ends a run: no connection was found for Options.StallTimeout, or
	// in Options.MaxAttempts where there has never been one.
	ErrUnreachable = errors.New("no connection to the service")

	// ErrMaxWait ends a run: the service asks to wait longer than Options.MaxWait, or
	// until after the deadline of the context while nothing else can be sent.
	ErrMaxWait = errors.New("the service asks for too long a wait")

	// ErrStalled ends a run: requests of a quota were refused for
	// Options.StallTimeout, and none was accepted.
	ErrStalled = errors.New("the service refuses everything")

	// ErrBlocked ends a run: for 30 seconds, or for Options.StallTimeout if that is shorter,
	// Graph or something in front of it refused every batch of a quota as a whole. The error
	// wraps the *StatusError of the last refusal. Refused batches had no effect.
	ErrBlocked = errors.New("every batch is refused")

	// ErrBusy says that the Runner is in another run, whose settle may have asked for this
	// one. Nothing was taken from src.
	ErrBusy = errors.New("the Runner is in another run")

	// ErrUnauthorized ends a run: Graph refused the token and the new one too,
	// or a Poster returns it because it has no token, and sent nothing.
	// Where others of the batch are answered with the new token, a 401 is the final answer
	// of the one that gets it.
	ErrUnauthorized = errors.New("no access token that Graph takes")
)

// A Reply is what a Poster brings back from a batch that Graph took.
type Reply struct {
	// Header holds the headers of the outer response, nil if unknown.
	Header http.Header

	// Body is the batch response, not decoded.
	Body []byte
}

// A Poster posts one $batch body. It must be safe for concurrent use and must
// return soon after ctx ends.
//
// NewReply decides which outer statuses are a Reply and which are a *StatusError.
// An error that is ErrNotSent means that nothing of the batch left this machine.
// Any other error means that the fate of every request in it is unknown.
type Poster interface {
	PostBatch(ctx context.Context, body []byte) (Reply, error)
}

// A StatusError is an HTTP answer that refuses a whole batch, or the error that
// an individual response carries.
type StatusError struct {
	Status    int
	Code      string      // error.code; may be empty even in an error of Graph
	Message   string      // error.message or other text of the body, as sent
	RequestID string      // Graph's request-id
	Header    http.Header // headers of the answer, may be nil
}

func (e *StatusError) Error() string {
	// An answer without a code may come from something in front of Graph.
	s := fmt.Sprintf("the answer was %d", e.Status)
	if e.Code != "" {
		s = fmt.Sprintf("Graph answered %d %s", e.Status, Printable(e.Code))
	}
	if e.Message != "" {
		s += ": " + Printable(e.Message)
	}
	return s
}

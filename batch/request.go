package batch

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// MaxRequests is the maximum number of requests that Graph accepts in one batch.
// Source: learn.microsoft.com/graph/json-batching, "Batch size limitations".
const MaxRequests = 20

// A Request is one request to Graph, which is sent in a batch with others.
type Request struct {
	// Method is the HTTP verb, in upper case.
	Method string

	// URL is the path and query below the root and version, percent-encoded, such as
	// "/users/9f0c…/revokeSignInSessions".
	URL string

	// Headers are sent as they are. Content-Type is added if there is a Body, because Graph
	// rejects a body without one.
	Headers map[string]string

	// Body is a JSON value, nil for none.
	Body json.RawMessage

	// Quota names the limit of the service that the request counts against, such as "read" or
	// "write". Each quota has its own pace and does not wait for the others. An empty name is a
	// quota like any other. Use only a few quotas: the Runner keeps the state of each.
	Quota string

	// Key names what the request writes to, such as a user. Two requests with the same Key,
	// whatever their Quota, are never in flight at once: Graph runs the requests of a batch in
	// parallel, and parallel writes to one user's authentication methods get lost. Empty means
	// no restriction.
	// Source: KelvinTegelaar/CIPP-API PR#1938.
	Key string

	// Delay is how long the request waits before its first attempt. Zero means that it is
	// sent as soon as the pace allows.
	Delay time.Duration

	// Tag is for the caller. The Result has the same Tag.
	Tag any
}

// A Response is the response to one request.
type Response struct {
	// Status is the HTTP status, 0 if there is no response.
	Status int

	// Header holds the headers under their canonical names.
	Header http.Header

	// Body is the JSON value as Graph sent it: an object, a string (text, or
	// base64 of other types), or nil.
	Body json.RawMessage
}

// A Result is the result of one Request.
type Result struct {
	Request Request

	// Response is the answer to the last attempt; its Status is 0 if there was none.
	Response Response

	// Err is nil if Response is the final answer of Graph, whatever its Status. Otherwise it is or
	// wraps ErrNotSent, ErrInvalid, ErrNoResponse, ErrAttempts, or the *StatusError with which
	// Graph rejected a batch because of this request.
	Err error

	// Uncertain is set if an attempt may have been carried out although no answer shows it: the
	// connection was lost, or the answer was a 5xx, unreadable or missing.
	Uncertain bool

	// Attempts is how often the request was sent. These attempts do not count: those that
	// were throttled (429) or refused because of a token that was then replaced (401), those
	// in batches that were rejected because of another request, and those without a connection.
	Attempts int

	// Throttled is how often the answer was 429.
	Throttled int

	// RequestID is the request-id of Graph for the last attempt, for the support of Microsoft. It is
	// empty if no answer had one.
	RequestID string

	// Date is the time of the last answer from its Date header, or the local time if it had none. It is
	// zero if nothing was sent. Dated is set if it is from the header.
	Date  time.Time
	Dated bool

	// Replied is the local time of the last answer, zero if nothing was sent. It differs from Date as the two clocks
	// do. The Result may come later, because Results are handled one after the other.
	Replied time.Time

	// Took is the time between sending the batch of the last attempt and its answer, zero if nothing
	// was sent. The service handled the request in this time, and before Date.
	Took time.Duration
}

// Stopped reports whether the request was not sent, or not sent again, because the run
// stopped. If Uncertain is set, an earlier attempt may have been carried out.
func (r *Result) Stopped() bool { return errors.Is(r.Err, ErrNotSent) }

package batch

import "errors"

var (
	// ErrNotSent means that nothing was sent. A Poster returns it if there is no connection. In a
	// Result it means that the run stopped before the request was sent, or sent again.
	ErrNotSent = errors.New("not sent")

	// ErrInvalid means that Graph would have rejected a whole batch because of the request:
	// it has no method, a URL that is not a path or not encoded, or a body that is not JSON.
	// It was not sent.
	ErrInvalid = errors.New("refused before it was sent")

	// ErrNoResponse means that the batch response has no usable response to the request: it is missing,
	// unreadable, or there are two with different statuses.
	ErrNoResponse = errors.New("no response for the request in the batch response")

	// ErrAttempts means that all MaxAttempts attempts failed. It wraps the error of the last one.
	ErrAttempts = errors.New("gave up")

	// ErrBusy means that the Runner is in another run. For example, its settle may have called Run.
	ErrBusy = errors.New("the Runner is in another run")

	// ErrUnreachable stops a run: there was no connection for Options.StallTimeout, or in
	// Options.MaxAttempts attempts if there has never been one.
	ErrUnreachable = errors.New("no connection to the service")

	// ErrMaxWait stops a run: the service asks for a longer wait than Options.MaxWait.
	ErrMaxWait = errors.New("the service asks for too long a wait")

	// ErrStalled stops a run: all requests of a quota were throttled for
	// Options.StallTimeout.
	ErrStalled = errors.New("the service refuses everything")

	// ErrBlocked stops a run: for 30 seconds, or for Options.StallTimeout if that is shorter,
	// Graph or something in front of it rejected every batch of a quota as a whole. The error
	// wraps the *StatusError of the last rejection. Rejected batches had no effect.
	ErrBlocked = errors.New("every batch is refused")

	// ErrUnauthorized stops a run: Graph refused the token and also the new token, or a Poster returned
	// it because it has no token and sent nothing.
	ErrUnauthorized = errors.New("no access token that Graph accepts")
)

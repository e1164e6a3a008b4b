package batch

import (
	"context"
	"net/http"
)

// A Poster posts one batch to /$batch. It must be safe for concurrent use and must return soon
// after ctx ends.
//
// NewReply decides which HTTP answers are a Reply and which are a *StatusError. An error that is
// ErrNotSent means that nothing of the batch left this machine; one that is ErrUnauthorized,
// that there is no token, which stops the run. After any other error it is unknown which
// requests of the batch were carried out.
type Poster interface {
	PostBatch(ctx context.Context, body []byte) (Reply, error)
}

// A Reply is what a Poster returns for a batch that Graph accepted.
type Reply struct {
	// Header holds the headers of the batch response, nil if unknown.
	Header http.Header

	// Body is the batch response, not decoded.
	Body []byte
}

// NewReply converts the HTTP answer to a batch into what a Poster returns: a Reply, or a
// *StatusError if the batch was rejected. Some gateways change the status of a batch response to another
// success, such as 203, so any success may hold the responses.
func NewReply(status int, header http.Header, body []byte) (Reply, error) {
	if status >= 300 {
		return Reply{}, newStatusError(status, header, body)
	}
	return Reply{Header: header, Body: body}, nil
}

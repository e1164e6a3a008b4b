package batch

import (
	"context"
	"encoding/json"
	"net/http"
)

// A Poster posts one batch to /$batch. It must be safe for concurrent use and must return soon
// after ctx ends.
//
// NewReply decides which HTTP answers are a Reply and which are a *StatusError. ErrNotSent means that nothing was
// sent. ErrUnauthorized means that there is no token, and stops the run. After any other error it is not known which
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
// *StatusError if the batch was rejected. Some gateways give a batch response another success
// status, such as 201, 203 or 207. Such an answer is a Reply if it contains responses.
func NewReply(status int, header http.Header, body []byte) (Reply, error) {
	switch {
	case status == http.StatusOK, status == http.StatusFailedDependency:
		// Older documentation gave 424 for a batch with a failed request.
		// Source: microsoftgraph/microsoft-graph-docs-contrib#8883.
	case status > http.StatusOK && status < 300 && holdsResponses(body):
	default:
		return Reply{}, newStatusError(status, header, body)
	}
	return Reply{Header: header, Body: body}, nil
}

func holdsResponses(body []byte) bool {
	var wire struct {
		Responses []json.RawMessage `json:"responses"`
	}
	return json.Unmarshal(withoutMark(body), &wire) == nil && len(wire.Responses) > 0
}

package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/fault"
)

// batchRequest is one request of a batch as the client sent it.
type batchRequest struct {
	ID        string
	Method    string
	URL       string
	Headers   map[string]string
	Body      json.RawMessage
	DependsOn []string

	after int // index of the request that this one depends on, or -1
}

const badPayload = "Invalid batch payload format."

// readBatch reads a batch body. If Graph refuses the whole batch, problem is the message
// of the 400. Source: learn.microsoft.com/graph/json-batching.
func readBatch(body []byte) (requests []batchRequest, problem string) {
	var in struct{ Requests []batchRequest }
	if err := json.Unmarshal(body, &in); err != nil || len(in.Requests) == 0 {
		return nil, badPayload
	}
	requests = in.Requests
	if len(requests) > batch.MaxRequests {
		// Source: microsoftgraph/microsoftgraph-postman-collections#9.
		return nil, fmt.Sprintf("Number of batch request steps exceeds the maximum value of %d.", batch.MaxRequests)
	}
	for i := range requests {
		if problem = requests[i].check(); problem != "" {
			return nil, problem
		}
		if indexOf(requests[:i], requests[i].ID) >= 0 {
			return nil, fmt.Sprintf("Request Id %s has to be unique in a batch.", requests[i].ID)
		}
	}
	for i := range requests {
		if problem = checkDependency(requests, i); problem != "" {
			return nil, problem
		}
	}
	return requests, ""
}

// indexOf returns the index of the request with an id, or -1. Ids compare without case.
func indexOf(requests []batchRequest, id string) int {
	return slices.IndexFunc(requests, func(r batchRequest) bool { return strings.EqualFold(r.ID, id) })
}

var verbs = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

func (r *batchRequest) check() (problem string) {
	if string(r.Body) == "null" {
		r.Body = nil
	}
	path, _, _ := strings.Cut(r.URL, "?")
	switch {
	case r.ID == "" || r.URL == "":
		return badPayload
	case !slices.Contains(verbs, r.Method):
		return fmt.Sprintf("Request Id %s has an invalid method '%s'.", r.ID, r.Method)
	case strings.HasPrefix(path, "//") || strings.Contains(path, "://"):
		// Source: pnp/pnpjs#294.
		return fmt.Sprintf("Request Id %s has an absolute URL; URLs in a batch have to be relative.", r.ID)
	case strings.Contains(path, "$batch") || strings.Contains(strings.ToLower(path), "%24batch"):
		return fmt.Sprintf("Request Id %s is a batch; batches cannot be nested.", r.ID)
	case (r.needsBody() || r.Body != nil) && (r.Body == nil || !r.hasContentType()):
		// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
		return fmt.Sprintf("Write request id : %s does not contain Content-Type header or body.", r.ID)
	}
	return ""
}

func (r *batchRequest) needsBody() bool {
	return r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH"
}

func (r *batchRequest) hasContentType() bool {
	for name := range r.Headers {
		if strings.EqualFold(name, "Content-Type") {
			return true
		}
	}
	return false
}

// checkDependency finds the request that requests[i] depends on, and refuses circles.
func checkDependency(requests []batchRequest, i int) (problem string) {
	r := &requests[i]
	r.after = -1
	if len(r.DependsOn) == 0 {
		return ""
	}
	// Source: learn.microsoft.com/graph/known-issues, JSON batching.
	if len(r.DependsOn) > 1 {
		return fmt.Sprintf("Request Id %s depends on more than one request.", r.ID)
	}
	if r.after = indexOf(requests, r.DependsOn[0]); r.after < 0 {
		return fmt.Sprintf("Request Id %s depends on a request that is not in the batch.", r.ID)
	}
	at := r.after
	for steps := 0; at >= 0 && len(requests[at].DependsOn) > 0; steps++ {
		if at == i || steps > len(requests) {
			return fmt.Sprintf("Request Id %s depends on itself.", r.ID)
		}
		at = indexOf(requests, requests[at].DependsOn[0])
	}
	return ""
}

// calls turns the requests of a batch into calls.
func calls(requests []batchRequest, root string, who *caller) []call {
	all := make([]call, len(requests))
	for i, r := range requests {
		// Graph encodes nothing for the client: a '#' that is left in ends the URL.
		// Source: KelvinTegelaar/CIPP#4591.
		path, _, _ := strings.Cut(r.URL, "#")
		path, query, _ := strings.Cut(path, "?")
		all[i] = call{
			Request: fault.Request{Method: r.Method, URL: r.URL}, query: query, route: parsePath(path),
			body: r.Body, root: root, who: who, isDependent: r.after >= 0,
		}
		if len(r.Headers) > 0 {
			all[i].header = make(http.Header, len(r.Headers))
			for name, value := range r.Headers {
				all[i].header.Set(name, value)
			}
		}
	}
	return all
}

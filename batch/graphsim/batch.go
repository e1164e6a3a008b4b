package graphsim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
)

// batchRequest is one request of a batch as the client sent it.
type batchRequest struct {
	ID      string
	Method  string
	URL     string
	Headers map[string]string
	Body    json.RawMessage
}

const badPayload = "Invalid batch payload format."

// readBatch reads a batch body. If Graph would refuse the whole batch, problem is the message
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
		// IDs are compared without case.
		isSame := func(r batchRequest) bool { return strings.EqualFold(r.ID, requests[i].ID) }
		if slices.ContainsFunc(requests[:i], isSame) {
			return nil, fmt.Sprintf("Request Id %s has to be unique in a batch.", requests[i].ID)
		}
	}
	return requests, ""
}

var (
	verbsWithBody = []string{"POST", "PUT", "PATCH"}
	verbs         = append([]string{"GET", "DELETE", "HEAD", "OPTIONS"}, verbsWithBody...)
)

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
	case (slices.Contains(verbsWithBody, r.Method) || r.Body != nil) && (r.Body == nil || !r.hasContentType()):
		// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
		return fmt.Sprintf("Write request id : %s does not contain Content-Type header or body.", r.ID)
	}
	return ""
}

func (r *batchRequest) hasContentType() bool {
	isContentType := func(name string) bool { return strings.EqualFold(name, "Content-Type") }
	return slices.ContainsFunc(slices.Collect(maps.Keys(r.Headers)), isContentType)
}

// calls turns the requests of a batch into calls.
func calls(requests []batchRequest, root string, who *principal) []call {
	all := make([]call, len(requests))
	for i, r := range requests {
		// Graph encodes nothing for the client: a '#' that is not encoded ends the URL.
		// Source: KelvinTegelaar/CIPP#4591.
		path, _, _ := strings.Cut(r.URL, "#")
		path, query, _ := strings.Cut(path, "?")
		all[i] = call{
			Request: fault.Request{Method: r.Method, URL: r.URL}, query: query, route: parsePath(path),
			body: r.Body, root: root, who: who,
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

// handleBatch carries out the requests of a batch in any order. If Options.Spread is set, other exchanges can run
// between two of them. It is called with mu held.
func (t *Tenant) handleBatch(ctx context.Context, x *exchange, requests []batchRequest,
	now time.Time) wire.HTTPResponse {
	n := len(requests)
	answers, effects := make([]callAnswer, n), make([]*fault.Effect, n)
	for k, i := range t.variety.Perm(n) {
		if k > 0 && t.opts.Spread > 0 {
			t.mu.Unlock()
			_ = wait(ctx, t.opts.Spread/time.Duration(n-1)) // the other requests are carried out even if ctx ends
			t.mu.Lock()
			now = time.Now()
			t.applyDue(now)
		}
		answers[i], effects[i] = t.admitAndHandle(x, &x.calls[i], now)
	}
	var out struct {
		Responses []wire.Item `json:"responses"`
	}
	for _, i := range t.variety.Perm(n) {
		item := t.inBatch(requests[i].ID, &answers[i])
		if effects[i] != nil {
			out.Responses = append(out.Responses, effects[i].ChangeItem(item, t.variety)...)
		} else {
			out.Responses = append(out.Responses, item)
		}
	}
	return t.byItself(jsonAnswer(200, out))
}

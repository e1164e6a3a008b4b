package graphsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tapsweep/batch"
)

// item is one request of a batch as it came.
type item struct {
	ID        json.RawMessage
	Method    string
	URL       string
	Headers   map[string]string
	Body      json.RawMessage
	DependsOn []string

	after int // index of the request that this one depends on, or -1
}

const badPayload = "Invalid batch payload format."

// readBatch reads a batch body. If Graph refuses it as a whole, problem is the
// message of the outer 400. Source: learn.microsoft.com/graph/json-batching.
func readBatch(body []byte) (items []item, problem string) {
	var in struct{ Requests []item }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, badPayload
	}
	items = in.Requests
	switch {
	case len(items) == 0:
		return nil, badPayload
	case len(items) > batch.MaxRequests:
		// Source: microsoftgraph/microsoftgraph-postman-collections#9.
		return nil, fmt.Sprintf("Number of batch request steps exceeds the maximum value of %d.", batch.MaxRequests)
	}
	for i := range items {
		if p := items[i].check(); p != "" {
			return nil, p
		}
		// Ids compare without case.
		for j := range i {
			if strings.EqualFold(string(items[i].ID), string(items[j].ID)) {
				return nil, fmt.Sprintf("Request Id %s has to be unique in a batch.", items[i].name())
			}
		}
	}
	for i := range items {
		if p := depends(items, i); p != "" {
			return nil, p
		}
	}
	return items, ""
}

// name is the id without its quotes, for messages.
func (it *item) name() string { return strings.Trim(string(it.ID), `"`) }

var verbs = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

func (it *item) check() (problem string) {
	if len(it.ID) < 3 || it.ID[0] != '"' {
		return badPayload
	}
	if !slices.Contains(verbs, it.Method) {
		return fmt.Sprintf("Request Id %s has an invalid method '%s'.", it.name(), it.Method)
	}
	path, _, _ := strings.Cut(it.URL, "?")
	switch {
	case it.URL == "":
		return badPayload
	case strings.HasPrefix(path, "//") || strings.Contains(path, "://"):
		// Source: pnp/pnpjs#294.
		return fmt.Sprintf("Request Id %s has an absolute URL; URLs in a batch have to be relative.", it.name())
	case strings.Contains(path, "$batch") || strings.Contains(strings.ToLower(path), "%24batch"):
		return fmt.Sprintf("Request Id %s is a batch; batches cannot be nested.", it.name())
	}
	if string(it.Body) == "null" {
		it.Body = nil
	}
	typed := false
	for name := range it.Headers {
		typed = typed || strings.EqualFold(name, "Content-Type")
	}
	wantsBody := it.Method == "POST" || it.Method == "PUT" || it.Method == "PATCH"
	if (wantsBody || it.Body != nil) && (it.Body == nil || !typed) {
		// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
		return fmt.Sprintf("Write request id : %s does not contain Content-Type header or body.", it.name())
	}
	return ""
}

// depends finds what items[i] depends on and refuses cycles.
func depends(items []item, i int) (problem string) {
	it := &items[i]
	it.after = -1
	if len(it.DependsOn) == 0 {
		return ""
	}
	// Source: learn.microsoft.com/graph/known-issues, JSON batching.
	if len(it.DependsOn) > 1 {
		return fmt.Sprintf("Request Id %s depends on more than one request.", it.name())
	}
	find := func(want string) int {
		quoted, _ := json.Marshal(want) // a string always marshals
		return slices.IndexFunc(items, func(o item) bool {
			return strings.EqualFold(string(o.ID), string(quoted))
		})
	}
	if it.after = find(it.DependsOn[0]); it.after < 0 {
		return fmt.Sprintf("Request Id %s depends on a request that is not in the batch.", it.name())
	}
	for at, steps := it.after, 0; at >= 0; steps++ {
		if at == i || steps > len(items) {
			return fmt.Sprintf("Request Id %s depends on itself.", it.name())
		}
		if len(items[at].DependsOn) == 0 {
			break
		}
		at = find(items[at].DependsOn[0])
	}
	return ""
}

// calls turns the requests of a batch into calls.
func calls(items []item, root string, who *caller) []call {
	made := make([]call, len(items))
	for i := range items {
		it := &items[i]
		// Nothing is encoded for the client: a '#' that is left in ends the URL.
		// Source: KelvinTegelaar/CIPP#4591.
		path, _, _ := strings.Cut(it.URL, "#")
		path, query, _ := strings.Cut(path, "?")
		made[i] = call{
			method: it.Method, url: it.URL, query: query, route: parsePath(path),
			body: it.Body, root: root, who: who, serial: it.after >= 0,
		}
		if len(it.Headers) > 0 {
			made[i].header = make(http.Header, len(it.Headers))
			for name, value := range it.Headers {
				made[i].header.Set(name, value)
			}
		}
	}
	return made
}

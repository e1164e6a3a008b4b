package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
)

// The batch helper of the SDK (msgraph-sdk-go-core v1.4.0) sends 19 requests at a time, panics on a header that is a
// JSON number, and fails a whole batch if one body is not an object. This codec accepts every form that Graph has been
// seen to send, and an invalid response affects only its own request.

type wireRequest struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// encode writes a batch body. Ids are "1", "2", … in the order of requests:
// Graph compares ids without case, so digits are the safe choice.
func encode(items []*item, headers map[string]string) ([]byte, error) {
	wire := make([]wireRequest, len(items))
	size := 0
	for i, it := range items {
		size += 64 + len(it.Request.URL) + len(it.Request.Body) // about, because the body is kept while it is in flight
		wire[i] = wireRequest{
			ID:      strconv.Itoa(i + 1),
			Method:  it.Request.Method,
			URL:     it.Request.URL,
			Headers: mergeHeaders(&it.Request, headers),
			Body:    it.Request.Body,
		}
	}
	var buf bytes.Buffer
	buf.Grow(size)
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Requests []wireRequest `json:"requests"`
	}{wire}); err != nil {
		return nil, fmt.Errorf("encoding a batch: %w", err)
	}
	return buf.Bytes(), nil
}

// mergeHeaders adds the headers of the run to the headers of the request, which take precedence. It also adds the
// Content-Type that Graph requires for a body.
// Source: microsoftgraph/msgraph-sdk-dotnet#2628.
func mergeHeaders(req *Request, common map[string]string) map[string]string {
	if len(common) == 0 && (req.Body == nil || hasHeader(req.Headers, "Content-Type")) {
		return req.Headers
	}
	merged := make(map[string]string, len(common)+len(req.Headers)+1)
	for k, v := range common {
		if !hasHeader(req.Headers, k) {
			merged[k] = v
		}
	}
	maps.Copy(merged, req.Headers)
	if req.Body != nil && !hasHeader(merged, "Content-Type") {
		merged["Content-Type"] = "application/json"
	}
	return merged
}

func hasHeader(headers map[string]string, name string) bool {
	for k := range headers {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// check returns an error for a request because of which Graph would reject the whole batch.
func (r *Request) check() error {
	switch {
	case r.Method == "" || r.Method != strings.ToUpper(r.Method):
		return fmt.Errorf("method %q is not an upper-case HTTP verb", r.Method)
	case !strings.HasPrefix(r.URL, "/") || strings.HasPrefix(r.URL, "//"):
		return fmt.Errorf("url %q does not start with one slash: it must be relative to the version",
			safetext.Printable(r.URL))
	case strings.ContainsFunc(r.URL, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' }):
		return fmt.Errorf("url %q is not percent-encoded", safetext.Printable(r.URL))
	case strings.EqualFold(r.URL[:min(len(r.URL), len("/$batch"))], "/$batch"):
		return errors.New("a batch cannot hold a batch")
	case r.Body != nil && !json.Valid(r.Body):
		return errors.New("the body is not valid JSON")
	}
	return nil
}

// answer is the response to a request. If there is no usable response, err wraps ErrNoResponse with the reason.
type answer struct {
	Response
	err error
}

// decode reads a batch response to n requests, matched by id. Responses come
// in any order. An error means that nothing in body could be used.
func decode(body []byte, n int) ([]answer, error) {
	var wire struct {
		Responses []wireResponse `json:"responses"`
	}
	if err := json.Unmarshal(withoutMark(body), &wire); err != nil {
		// Graph has been seen to mix raw text of a backend into the array.
		// Source: microsoftgraph/microsoft-graph-docs-contrib#3435.
		return nil, fmt.Errorf("%w: the batch response is not JSON: %w", ErrNoResponse, err)
	}
	answers := make([]answer, n)
	for i := range answers {
		answers[i].err = ErrNoResponse
	}
	for _, w := range wire.Responses {
		i, err := strconv.Atoi(w.id)
		if err != nil || i < 1 || i > n || w.id != strconv.Itoa(i) {
			continue // we sent no such id
		}
		a := &answers[i-1]
		switch {
		case a.err == nil && reflect.DeepEqual(a.Response, w.Response):
			// The response is there twice.
		case a.err == nil: // nothing shows which of the two is true
			*a = answer{err: fmt.Errorf("%w: there are two that differ, with status %d and %d",
				ErrNoResponse, a.Status, w.Status)}
		case a.err != ErrNoResponse:
			// It is already known that the request has no usable response.
		case w.Status < 200 || w.Status > 599:
			a.err = fmt.Errorf("%w: it has no valid status", ErrNoResponse)
		default:
			*a = answer{Response: w.Response}
		}
	}
	return answers, nil
}

// wireResponse is lenient: parts that cannot be read stay zero, and the id and the status may be strings or numbers.
type wireResponse struct {
	id string
	Response
}

func (w *wireResponse) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '{' {
		return nil
	}
	var raw struct {
		ID      scalar          `json:"id"`
		Status  scalar          `json:"status"`
		Headers json.RawMessage `json:"headers"`
		Body    json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil
	}
	w.id = string(raw.ID)
	w.Status, _ = strconv.Atoi(string(raw.Status))
	w.Header = decodeHeaders(raw.Headers)
	if !bytes.Equal(raw.Body, []byte("null")) {
		w.Body = raw.Body
	}
	return nil
}

// scalar is a JSON string or number as text, or the value of an OData v3 text, which is an object with a language and
// a value. It is empty for anything else.
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	switch c := data[0]; {
	case c == '"' && bytes.IndexByte(data, '\\') < 0:
		*s = scalar(bytes.TrimSpace(data[1 : len(data)-1]))
	case c == '"':
		var text string
		_ = json.Unmarshal(data, &text)
		*s = scalar(strings.TrimSpace(text))
	case c == '{':
		var object struct{ Value string }
		_ = json.Unmarshal(data, &object)
		*s = scalar(strings.TrimSpace(object.Value))
	case c == '-' || c >= '0' && c <= '9':
		*s = scalar(data)
	}
	return nil
}

// decodeHeaders reads an object of headers. Values should be strings; it also accepts numbers and arrays of either.
// Names may have any case.
func decodeHeaders(data []byte) http.Header {
	if len(data) <= len("{}") || data[0] != '{' {
		return nil
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(data, &raw) != nil {
		return nil
	}
	h := make(http.Header, len(raw))
	for name, value := range raw {
		name = textproto.CanonicalMIMEHeaderKey(name)
		values := []json.RawMessage{value}
		if value[0] == '[' && json.Unmarshal(value, &values) != nil {
			continue
		}
		for _, v := range values {
			var s scalar
			if s.UnmarshalJSON(v) == nil && s != "" {
				h[name] = append(h[name], string(s))
			}
		}
	}
	return h
}

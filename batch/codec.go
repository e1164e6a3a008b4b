package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"tapsweep/batch/safetext"
)

// The SDK's batch helper (msgraph-sdk-go-core v1.4.0) sends 19 at a time,
// panics on a header that is a JSON number and fails a whole batch for one body
// that is no object. This codec takes every form that Graph has been seen to
// send, and one bad response spoils only itself.

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
	for i, it := range items {
		wire[i] = wireRequest{
			ID:      strconv.Itoa(i + 1),
			Method:  it.Request.Method,
			URL:     it.Request.URL,
			Headers: mergeHeaders(&it.Request, headers),
			Body:    it.Request.Body,
		}
	}
	var buf bytes.Buffer
	buf.Grow(256 * len(items))
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		Requests []wireRequest `json:"requests"`
	}{wire}); err != nil {
		return nil, fmt.Errorf("encoding a batch: %w", err)
	}
	return buf.Bytes(), nil
}

// mergeHeaders adds the run's headers to the request's own, which win, and the
// Content-Type that Graph demands where there is a body.
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

// check refuses what would make Graph refuse the whole batch, and thereby the
// requests of others.
func (r *Request) check() error {
	switch {
	case r.Method == "" || r.Method != strings.ToUpper(r.Method):
		return fmt.Errorf("method %q is not an upper-case HTTP verb", r.Method)
	case !strings.HasPrefix(r.URL, "/") || strings.HasPrefix(r.URL, "//"):
		return fmt.Errorf("url %q does not start with one slash: it must be relative to the version",
			safetext.Printable(r.URL))
	case strings.ContainsFunc(r.URL, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' }):
		return fmt.Errorf("url %q is not percent-encoded", safetext.Printable(r.URL))
	case strings.HasPrefix(strings.ToLower(r.URL), "/$batch"):
		return errors.New("a batch cannot hold a batch")
	case r.Body != nil && !json.Valid(r.Body):
		return errors.New("the body is not valid JSON")
	}
	return nil
}

// answer is one response matched to its request; err is ErrNoResponse, wrapped
// with why, when there is none that can be used.
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
		// Raw text of a backend has been seen spliced into the array.
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
			continue // not an id of ours; its request, if any, stays without a response
		}
		a := &answers[i-1]
		switch {
		case a.err == nil && a.Status != w.Status:
			*a = answer{err: fmt.Errorf("%w: it is there twice, with status %d and %d",
				ErrNoResponse, a.Status, w.Status)}
		case a.err != nil && a.err != ErrNoResponse:
			// Already found to be doubled or unusable; a further one changes nothing.
		case w.Status < 200 || w.Status > 599:
			a.err = fmt.Errorf("%w: it has no valid status", ErrNoResponse)
		default:
			*a = answer{Response: w.Response}
		}
	}
	return answers, nil
}

// wireResponse is lenient: whatever of it cannot be read is left zero, and the
// id may be a string or a number, as may the status.
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

// scalar is a JSON string or number as text; anything else reads as empty.
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	var text string
	switch c := data[0]; {
	case c == '"' && bytes.IndexByte(data, '\\') < 0:
		*s = scalar(bytes.TrimSpace(data[1 : len(data)-1]))
	case c == '"':
		if json.Unmarshal(data, &text) == nil {
			*s = scalar(strings.TrimSpace(text))
		}
	case c == '-' || c >= '0' && c <= '9':
		*s = scalar(data)
	}
	return nil
}

// decodeHeaders reads an object of headers. Values should be strings; numbers
// and arrays of either are taken too. Names come in varying case.
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

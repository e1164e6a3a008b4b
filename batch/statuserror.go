package batch

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"tapsweep/batch/safetext"
)

// A StatusError is an HTTP answer that rejects a whole batch, or the error that the response to
// one request has.
type StatusError struct {
	Status    int
	Code      string      // error.code; may be empty even in an error of Graph
	Message   string      // error.message or other text of the body, as sent
	RequestID string      // Graph's request-id
	Header    http.Header // headers of the answer, may be nil
}

func (e *StatusError) Error() string {
	// An answer without a code may come from a system in front of Graph.
	s := fmt.Sprintf("the answer was %d", e.Status)
	if e.Code != "" {
		s = fmt.Sprintf("Graph answered %d %s", e.Status, safetext.Printable(e.Code))
	}
	if e.Message != "" {
		s += ": " + safetext.Printable(e.Message)
	}
	return s
}

// StatusError reads the response as an error. Code and RequestID come from the error object of
// Graph or of older OData; without such an object they are empty. Message is the text of the
// body: the message of these objects, problem+json, an OAuth error, a plain message, or the
// first words of HTML or other text. The text is as sent: only Error masks and escapes it.
func (r *Response) StatusError() *StatusError {
	return newStatusError(r.Status, r.Header, r.Body)
}

// newStatusError reads an error answer, see [Response.StatusError].
func newStatusError(status int, header http.Header, body []byte) *StatusError {
	e := &StatusError{Status: status, Header: header, RequestID: header.Get("Request-Id")}
	e.read(bytes.TrimSpace(withoutMark(body)))
	return e
}

// errorBody has the members in which services report an error. encoding/json matches their
// names in any case.
type errorBody struct {
	Error      json.RawMessage `json:"error"`
	ODataError json.RawMessage `json:"odata.error"` // OData v3

	Description scalar `json:"error_description"` // OAuth
	Message     scalar `json:"message"`           // Azure API Management, AWS and others
	Title       scalar `json:"title"`             // problem+json, RFC 9457
	Detail      scalar `json:"detail"`
}

func (e *StatusError) read(body []byte) {
	var text string
	var wire errorBody
	switch {
	case len(body) == 0 || string(body) == "null":
		return
	case json.Unmarshal(body, &text) == nil:
		e.Message = firstWords(decodedText(text))
		return
	case json.Unmarshal(body, &wire) != nil:
		e.Message = firstWords(string(body))
		return
	}
	for _, object := range []json.RawMessage{wire.Error, wire.ODataError} {
		if isObject(object) {
			e.readObject(object)
			return
		}
	}
	var short scalar // a string, as in OAuth
	_ = json.Unmarshal(wire.Error, &short)
	e.Message = cmp.Or(joined(short, wire.Description), string(wire.Message), joined(wire.Title, wire.Detail))
	if e.Message == "" && len(body) > len("{}") {
		e.Message = firstWords(string(body))
	}
}

// readObject reads an error object as Graph and OData write it.
func (e *StatusError) readObject(object json.RawMessage) {
	var detail struct {
		Code       scalar `json:"code"`
		Message    scalar `json:"message"`
		InnerError struct {
			RequestID scalar `json:"request-id"`
		} `json:"innerError"`
	}
	_ = json.Unmarshal(object, &detail) // members of other types stay empty
	e.Code, e.Message = string(detail.Code), string(detail.Message)
	if e.RequestID == "" {
		e.RequestID = string(detail.InnerError.RequestID)
	}
}

func isObject(data []byte) bool { return len(data) > 0 && data[0] == '{' }

func joined(a, b scalar) string {
	switch {
	case b == "" || a == b:
		return string(a)
	case a == "":
		return string(b)
	}
	return string(a + ": " + b)
}

// decodedText decodes a body that is not JSON, which a batch response carries in base64. It
// returns other text unchanged. Source: microsoftgraph/msgraph-sdk-dotnet-core#22.
func decodedText(text string) string {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) < 8 || !utf8.Valid(decoded) || strings.ContainsFunc(string(decoded), isControl) {
		return text
	}
	return string(decoded)
}

func isControl(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' }

// maxWords is the maximum length, in bytes, of the text taken from a body made for people.
const maxWords = 300

var (
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	unseen    = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)\s*>|<!--.*?-->`)
	tag       = regexp.MustCompile(`<[^>]*>?`)
)

// firstWords returns the beginning of a text made for people. For HTML and XML that is the
// title and the text without tags.
func firstWords(text string) string {
	const enough = 64 << 10
	text = text[:min(len(text), enough)]
	if strings.HasPrefix(text, "<") {
		title := ""
		if m := pageTitle.FindStringSubmatch(text); m != nil {
			title = m[1]
		}
		page := tag.ReplaceAllString(unseen.ReplaceAllString(text, " "), " ")
		title, page = words(html.UnescapeString(title)), words(html.UnescapeString(page))
		if text = page; title != "" && !strings.HasPrefix(page, title) {
			text = strings.TrimSuffix(title+": "+page, ": ")
		}
	}
	text = words(text)
	if len(text) <= maxWords {
		return text
	}
	return strings.ToValidUTF8(text[:maxWords], "") + "…"
}

// words returns text with one space between its words.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// holdsError reports whether a body is an error object. The status may say otherwise.
func holdsError(body []byte) bool {
	if !isObject(body) || !bytes.Contains(body, []byte(`error"`)) {
		return false
	}
	var wire errorBody
	return json.Unmarshal(body, &wire) == nil && (isObject(wire.Error) || isObject(wire.ODataError))
}

// withoutMark removes a byte order mark, which some gateways send although JSON does not
// allow it.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

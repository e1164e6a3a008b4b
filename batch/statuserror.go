package batch

import (
	"bytes"
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
	// An answer without a code may come from something in front of Graph.
	s := fmt.Sprintf("the answer was %d", e.Status)
	if e.Code != "" {
		s = fmt.Sprintf("Graph answered %d %s", e.Status, safetext.Printable(e.Code))
	}
	if e.Message != "" {
		s += ": " + safetext.Printable(e.Message)
	}
	return s
}

// StatusError reads the response as an error.
func (r *Response) StatusError() *StatusError {
	return newStatusError(r.Status, r.Header, r.Body)
}

// newStatusError reads an error answer. Code, Message and RequestID come from the error object of
// Graph. Without such an object, Message is the beginning of the text of the body. The text is as sent:
// only Error masks and escapes it.
func newStatusError(status int, header http.Header, body []byte) *StatusError {
	e := &StatusError{Status: status, Header: header, RequestID: header.Get("Request-Id")}
	body = bytes.TrimSpace(withoutMark(body))
	var text string
	if object := errorOf(body); object != nil {
		e.readObject(object)
	} else if json.Unmarshal(body, &text) == nil {
		e.Message = firstWords(decodedText(text))
	} else {
		e.Message = firstWords(string(body))
	}
	return e
}

// errorOf returns the error object of a body, nil if it has none.
func errorOf(body []byte) json.RawMessage {
	var wire struct {
		Error json.RawMessage `json:"error"`
	}
	if !isObject(body) || json.Unmarshal(body, &wire) != nil || !isObject(wire.Error) {
		return nil
	}
	return wire.Error
}

// readObject reads an error object.
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

// maxWords is the maximum length, in bytes, of the text taken from a body without an error object.
const maxWords = 300

// unseen is what a reader of HTML or XML does not see.
var unseen = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->|<[^>]*>?`)

// firstWords returns the beginning of a text made for people, with one space between words. Of HTML
// and XML that is the text without tags.
func firstWords(text string) string {
	const enough = 64 << 10
	text = text[:min(len(text), enough)]
	if strings.HasPrefix(text, "<") {
		text = html.UnescapeString(unseen.ReplaceAllString(text, " "))
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxWords {
		return text
	}
	return strings.ToValidUTF8(text[:maxWords], "") + "…"
}

// holdsError reports whether a body is an error object. The status may say otherwise.
func holdsError(body []byte) bool { return errorOf(body) != nil }

// withoutMark removes a byte order mark, which some gateways send although JSON does not
// allow it.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

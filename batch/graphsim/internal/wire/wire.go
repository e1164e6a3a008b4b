// Package wire holds what the rooms of the simulated tenant share: the HTTP response
// that leaves it, the single response in a batch, Graph's error object, and ids.
package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// JSONType is the media type of all answers but the pages for people.
const JSONType = "application/json"

// PublicRoot is where Graph is for most tenants, and the audience of tokens for it.
const PublicRoot = "https://graph.microsoft.com"

// A Response is what the client gets for one HTTP request.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	Err   error         // the connection ends without a response
	Hang  bool          // there is no response until the client gives up
	Cut   bool          // the connection ends in the middle of Body
	Delay time.Duration // latency on top of the tenant's
	Slow  time.Duration // how long it takes to send Body
}

// An Item is the response to one request in a batch. Its fields hold anything that can
// be marshalled, because a fault may put anything there. A nil field is left out.
type Item struct {
	ID      any `json:"id,omitempty"`
	Status  any `json:"status,omitempty"`
	Headers any `json:"headers,omitempty"`
	Body    any `json:"body,omitempty"`
}

// Null is a field that is there and null.
var Null = json.RawMessage("null")

// Marshal returns v as JSON without the escapes that are for HTML only. It panics if v
// cannot be marshalled, because all values are of this module.
func Marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Error is Graph's error object. Source: learn.microsoft.com/graph/errors.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Inner   struct {
		Code            string `json:"code,omitempty"`
		Message         string `json:"message,omitempty"`
		Status          string `json:"status,omitempty"`
		Date            string `json:"date"` // without a time zone, as in the samples
		RequestID       string `json:"request-id"`
		ClientRequestID string `json:"client-request-id"`
	} `json:"innerError"`
}

// ErrorBody is a body that holds an error object.
type ErrorBody struct {
	Error Error `json:"error"`
}

// NewError returns an error body of now. An empty clientID is the same as id.
func NewError(code, message, id, clientID string) ErrorBody {
	e := Error{Code: code, Message: message}
	e.Inner.Date = time.Now().UTC().Format("2006-01-02T15:04:05")
	e.Inner.RequestID, e.Inner.ClientRequestID = id, id
	if clientID != "" {
		e.Inner.ClientRequestID = clientID
	}
	return ErrorBody{e}
}

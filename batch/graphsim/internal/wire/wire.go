// Package wire has the types that the packages of the simulated tenant share: an HTTP
// response, the response to one request of a batch, Graph's error object, and IDs.
package wire

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// JSONType is the media type of all answers except pages for people.
const JSONType = "application/json"

// PublicRoot is the URL of Graph for most tenants, and the audience of tokens for it.
const PublicRoot = "https://graph.microsoft.com"

// An HTTPResponse is the response to one HTTP request, or the way in which it fails.
type HTTPResponse struct {
	Status int
	Header http.Header
	Body   []byte

	Err   error         // if not nil, the connection ends without a response
	Hang  bool          // there is no response until the client gives up
	Cut   bool          // the connection ends in the middle of Body
	Delay time.Duration // added to the latency of the tenant
	Slow  time.Duration // how long Body takes over a socket, byte by byte
}

// An Item is the response to one request in a batch. A field can be any value that can be
// marshalled, because a fault may set any. A nil field is left out.
type Item struct {
	ID      any `json:"id,omitempty"`
	Status  any `json:"status,omitempty"`
	Headers any `json:"headers,omitempty"`
	Body    any `json:"body,omitempty"`
}

// Null is a field that is present with the value null.
var Null = json.RawMessage("null")

// Marshal returns v as JSON without the escapes for HTML. It panics if v cannot be
// marshalled, because all values come from this module.
func Marshal(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// ErrorBody is a body with Graph's error object. Source: learn.microsoft.com/graph/errors.
type ErrorBody struct {
	Error struct {
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
	} `json:"error"`
}

// NewError returns an error body with the current time. If clientID is empty, id takes its place.
func NewError(code, message, id, clientID string) (b ErrorBody) {
	b.Error.Code, b.Error.Message = code, message
	inner := &b.Error.Inner
	inner.Date = time.Now().UTC().Format("2006-01-02T15:04:05")
	inner.RequestID, inner.ClientRequestID = id, cmp.Or(clientID, id)
	return b
}

// Variety makes the parts that differ between answers: IDs, the order of responses, and
// the form of headers. The same seed makes the same answers. It is not safe for
// concurrent use.
type Variety struct {
	*rand.Rand
	turn uint64
}

// NewVariety returns a Variety with a seed.
func NewVariety(seed uint64) *Variety {
	return &Variety{Rand: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// NewID returns a random GUID.
func (v *Variety) NewID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], v.Uint64())
	binary.LittleEndian.PutUint64(b[8:], v.Uint64())
	return guid(b)
}

// Turn returns 0 to n-1 in turn, so that a client gets every form of an answer.
func (v *Variety) Turn(n int) int {
	v.turn++
	return int(v.turn % uint64(n))
}

// Headers returns the headers of a response in a batch in one of three forms, from 0.
// The case of the names varies. If there are no headers, the object is missing, is empty,
// or has one meaningless header. Source: learn.microsoft.com/graph/json-batching.
func Headers(pairs []string, form int) any {
	if len(pairs) == 0 {
		return [...]any{nil, map[string]string{}, map[string]string{"Cache-Control": "no-cache"}}[form]
	}
	rename := [...]func(string) string{strings.ToLower, strings.ToUpper, strings.Clone}[form]
	headers := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		headers[rename(pairs[i])] = pairs[i+1]
	}
	return headers
}

// GUID returns a GUID that depends only on parts.
func GUID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return guid([16]byte(sum[:16]))
}

// guid makes a version 4 GUID.
func guid(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

package graphsim

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one individual request, in a batch or by itself.
type call struct {
	method string
	url    string // path and query below the version, as sent
	query  string
	route  route
	header http.Header // nil for none
	body   []byte
	root   string // what absolute URLs in the answer begin with
	who    *caller
	batch  int  // which batch it is in, 0 for none
	serial bool // waits for another request of the batch

	attempt int // how often method and URL have arrived; counted only if a Fault asks
}

// answer is what became of a call: the same value whichever door it came through.
type answer struct {
	status int
	header []string // names and values in turn
	body   []byte   // JSON; nil for none
	done   bool     // something changed
}

const jsonType = "application/json"

func jsonAnswer(status int, body []byte) answer {
	return answer{status: status, header: []string{"Content-Type", jsonType}, body: body}
}

// newID makes a request-id. Called with mu held.
func (t *Tenant) newID() []byte {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], t.rng.Uint64())
	binary.LittleEndian.PutUint64(b[8:], t.rng.Uint64())
	return appendGUID(make([]byte, 0, 36), b)
}

// fail makes an error answer. The date has no time zone, as seen in the samples.
// Source: learn.microsoft.com/graph/errors; learn.microsoft.com/graph/json-batching.
func (t *Tenant) fail(c *call, status int, code, message string) answer {
	id := t.newID()
	client := id
	if own := c.header.Get("client-request-id"); own != "" {
		client = []byte(own)
	}
	return jsonAnswer(status, errorBody(code, message, string(id), string(client), ""))
}

// errorBody is the one place that writes Graph's error object; inner goes ahead of
// the usual members of innerError.
func errorBody(code, message, id, client, inner string) []byte {
	b := make([]byte, 0, 256+len(message))
	b = append(b, `{"error":{"code":`...)
	b = appendString(b, code)
	b = append(b, `,"message":`...)
	b = appendString(b, message)
	b = append(b, `,"innerError":{`...)
	b = append(b, inner...)
	b = append(b, `"date":"`...)
	b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05")
	b = append(b, `","request-id":`...)
	b = appendString(b, id)
	b = append(b, `,"client-request-id":`...)
	b = appendString(b, client)
	return append(b, `}}}`...)
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '\\'
	}
	if plain {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	quoted, _ := json.Marshal(s) // a string always marshals
	return append(dst, quoted...)
}

// throttled is the answer to a request that a Limit refused.
// Source: learn.microsoft.com/graph/throttling.
func (t *Tenant) throttled(retryAfter string) answer {
	id := string(t.newID())
	a := jsonAnswer(429, errorBody("TooManyRequests", "Too Many Requests", id, id,
		`"code":"429","message":"Please retry after","status":"429",`))
	if retryAfter != "" {
		a.header = append(a.header, "Retry-After", retryAfter)
	}
	return a
}

// appendResponse appends one response of a batch. What Graph leaves out now and
// then is left out now and then: the body or the headers of a 204; and header names
// come in varying case. Source: learn.microsoft.com/graph/json-batching.
func (t *Tenant) appendResponse(dst []byte, id json.RawMessage, a *answer) []byte {
	t.nonce++
	dst = append(dst, `{"id":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(a.status), 10)
	if headers := appendHeaders(nil, a, t.nonce); headers != nil {
		dst = append(dst, `,"headers":`...)
		dst = append(dst, headers...)
	}
	if a.body != nil {
		dst = append(dst, `,"body":`...)
		dst = append(dst, a.body...)
	} else if t.nonce%2 == 0 {
		dst = append(dst, `,"body":null`...)
	}
	return append(dst, '}')
}

func appendHeaders(dst []byte, a *answer, nonce uint64) []byte {
	if len(a.header) == 0 {
		switch nonce % 3 {
		case 0:
			return nil
		case 1:
			return append(dst, `{}`...)
		}
		return append(dst, `{"Cache-Control":"no-cache"}`...)
	}
	for i := 0; i < len(a.header); i += 2 {
		name := a.header[i]
		switch nonce % 3 {
		case 0:
			name = strings.ToLower(name)
		case 1:
			name = strings.ToUpper(name)
		}
		if i == 0 {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst = appendString(dst, a.header[i+1])
	}
	return append(dst, '}')
}

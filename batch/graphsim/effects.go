package graphsim

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ClaimsChallenge is a WWW-Authenticate value that asks for a token with certain
// claims. Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
const ClaimsChallenge = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", ` +
	`client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", ` +
	`claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTc2ODAwMDAwMCJ9fX0="`

// codes gives the error code that goes with a status.
var codes = map[int]string{
	400: "BadRequest", 401: "InvalidAuthenticationToken", 403: "accessDenied",
	404: "UnknownError", 405: "Request_BadRequest", 408: "RequestTimeout",
	409: "conflict", 412: "preconditionFailed", 413: "RequestEntityTooLarge",
	423: "resourceLocked", 424: "FailedDependency", 429: "TooManyRequests",
	500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable",
	504: "GatewayTimeout", 507: "insufficientStorage",
}

func faultBody(t *Tenant, status int) []byte {
	id := string(t.newID())
	return errorBody(cmp.Or(codes[status], "UnknownError"), http.StatusText(status), id, id, "")
}

func wholeEffect(name string, after bool, f func(*Tenant, *wire)) Effect {
	return Effect{name: name, after: after, whole: f}
}

// OuterStatus answers the whole batch with status and an error in Graph's shape;
// headers are names and values in turn.
func OuterStatus(status int, headers ...string) Effect {
	return wholeEffect("outer "+strconv.Itoa(status), false, func(t *Tenant, w *wire) {
		a := jsonAnswer(status, faultBody(t, status))
		a.header = append(a.header, headers...)
		*w = t.outer(a)
	})
}

// OuterHTML answers the whole batch with status and a page of HTML; status 200 is
// what a proxy's login page looks like.
func OuterHTML(status int) Effect {
	return wholeEffect("outer HTML "+strconv.Itoa(status), false, func(t *Tenant, w *wire) {
		*w = t.outer(answer{status: status, header: []string{"Content-Type", "text/html"},
			body: []byte("<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" +
				http.StatusText(status) + "</h1></body></html>")})
	})
}

// OuterBody answers the whole batch with status and any body, as a gateway in front of Graph
// does. headers alternates names and values.
func OuterBody(status int, body string, headers ...string) Effect {
	return wholeEffect("outer body "+strconv.Itoa(status), false, func(t *Tenant, w *wire) {
		*w = t.outer(answer{status: status, header: headers, body: []byte(body)})
	})
}

// OuterHeaders adds headers to the true answer. headers alternates names and values.
func OuterHeaders(headers ...string) Effect {
	return wholeEffect("outer headers", true, func(_ *Tenant, w *wire) {
		for i := 0; i < len(headers); i += 2 {
			w.header.Set(headers[i], headers[i+1])
		}
	})
}

// OuterMark puts a byte order mark before the true answer.
func OuterMark() Effect {
	return wholeEffect("outer byte order mark", true, func(_ *Tenant,
		w *wire) {
		w.body = append([]byte("\xef\xbb\xbf"), w.body...)
	})
}

// OuterAs sends the true answer under another status, such as the 424 of older
// documentation. Source: microsoftgraph/microsoft-graph-docs-contrib#8883.
func OuterAs(status int) Effect {
	return wholeEffect("outer as "+strconv.Itoa(status), true, func(_ *Tenant, w *wire) { w.status = status })
}

// CutOff does the work and ends the connection in the middle of the answer.
func CutOff() Effect {
	return wholeEffect("cut off", true, func(_ *Tenant, w *wire) { w.cut = true })
}

// Truncated does the work and sends the first half of the answer as if it were all.
func Truncated() Effect {
	return wholeEffect("truncated", true, func(_ *Tenant, w *wire) { w.body = w.body[:len(w.body)/2] })
}

// Spliced does the work and puts text, which need not be JSON, behind the first
// response. Source: microsoftgraph/microsoft-graph-docs-contrib#3435.
func Spliced(text string) Effect {
	return wholeEffect("spliced", true, func(_ *Tenant, w *wire) {
		at := strings.LastIndex(string(w.body), "]}")
		if next := strings.Index(string(w.body), `},{"id":`); next >= 0 {
			at = next + 1
		}
		if at >= 0 {
			w.body = []byte(string(w.body[:at]) + "," + text + string(w.body[at:]))
		}
	})
}

// Reset ends the connection without an answer, before the work unless AfterWork.
func Reset() Effect {
	return wholeEffect("reset", false, func(_ *Tenant, w *wire) { *w = wire{err: errReset} })
}

// Hang never answers, before the work unless AfterWork; it ends when the client or
// the server ends the request.
func Hang() Effect {
	return wholeEffect("hang", false, func(_ *Tenant, w *wire) { *w = wire{hang: true} })
}

// Slow does the work and sends the answer bit by bit, taking so long in all.
func Slow(total time.Duration) Effect {
	return wholeEffect("slow", true, func(_ *Tenant, w *wire) { w.slow = total })
}

// Delayed does the work and sends the answer so much later.
func Delayed(by time.Duration) Effect {
	return wholeEffect("delayed", true, func(_ *Tenant, w *wire) { w.delay = by })
}

func itemEffect(name string, status int, f func(*Tenant, *reply)) Effect {
	return Effect{name: name, status: status, item: f}
}

// shape is an effect on the form of a true answer.
func shape(name string, f func(*reply)) Effect {
	return Effect{name: name, after: true, item: func(_ *Tenant, r *reply) { f(r) }}
}

func quote(s string) string { return string(appendString(nil, s)) }

// ItemStatus answers one request with status and an error in Graph's shape; headers
// are names and values in turn, such as "Retry-After", "0.249".
func ItemStatus(status int, headers ...string) Effect {
	return itemEffect("item "+strconv.Itoa(status), status, func(t *Tenant, r *reply) {
		a := jsonAnswer(status, faultBody(t, status))
		a.header = append(a.header, headers...)
		r.status, r.body = strconv.Itoa(status), string(a.body)
		t.nonce++
		r.headers = string(appendHeaders(nil, &a, t.nonce))
	})
}

// ItemEmptyCode answers with status and an error whose code is empty.
// Source: learn.microsoft.com/graph/json-batching (the sample).
func ItemEmptyCode(status int) Effect {
	return itemEffect("item empty code", status, func(t *Tenant, r *reply) {
		id := string(t.newID())
		r.status, r.headers = strconv.Itoa(status), `{"Content-Type":"application/json"}`
		r.body = string(errorBody("", "", id, id, ""))
	})
}

// ItemErrorText answers with status and an error that is a text, not an object.
func ItemErrorText(status int) Effect {
	return itemEffect("item error text", status, func(_ *Tenant, r *reply) {
		r.status, r.headers, r.body = strconv.Itoa(status), `{}`, `{"error":"something went wrong"}`
	})
}

// ItemErrorIn answers with a success status but an error in the body.
func ItemErrorIn(status int) Effect {
	return itemEffect("item error in "+strconv.Itoa(status), status, func(t *Tenant, r *reply) {
		r.status, r.headers, r.body = strconv.Itoa(status), `{"Content-Type":"application/json"}`,
			string(faultBody(t, 503))
	})
}

// ItemShaped answers with status and any JSON body.
func ItemShaped(status int, body string) Effect {
	return itemEffect("item shaped "+strconv.Itoa(status), status, func(_ *Tenant, r *reply) {
		r.status, r.headers, r.body = strconv.Itoa(status), `{"Content-Type":"application/json"}`, body
	})
}

// ItemRetryAfterNumber answers 429 with a Retry-After that is a JSON number.
func ItemRetryAfterNumber(seconds float64) Effect {
	return itemEffect("item Retry-After number", 429, func(t *Tenant, r *reply) {
		r.status, r.body = "429", string(faultBody(t, 429))
		r.headers = `{"Retry-After":` + strconv.FormatFloat(seconds, 'f', -1, 64) + `}`
	})
}

// ItemHeaderArray answers 429 with header values that are arrays of strings.
func ItemHeaderArray(retryAfter ...string) Effect {
	return itemEffect("item header array", 429, func(t *Tenant, r *reply) {
		r.status, r.body = "429", string(faultBody(t, 429))
		quoted := make([]string, len(retryAfter))
		for i, value := range retryAfter {
			quoted[i] = quote(value)
		}
		r.headers = `{"Content-Type":["application/json"],"Retry-After":[` + strings.Join(quoted, ",") + `]}`
	})
}

// ItemMissing does the work and leaves the answer out.
func ItemMissing() Effect { return shape("item missing", func(r *reply) { r.missing = true }) }

// ItemTwice does the work and gives the same answer twice.
func ItemTwice() Effect {
	return shape("item twice", func(r *reply) { r.more = []reply{*r} })
}

// ItemTwiceAs does the work, gives the true answer, and a second one with status.
func ItemTwiceAs(status int) Effect {
	return shape("item twice as "+strconv.Itoa(status), func(r *reply) {
		r.more = []reply{{id: r.id, status: strconv.Itoa(status), headers: r.headers, body: r.body}}
	})
}

// ItemUnknownID does the work and adds an answer to an id that nobody sent.
func ItemUnknownID(id string) Effect {
	return shape("item unknown id", func(r *reply) { r.more = []reply{{id: quote(id), status: "204"}} })
}

// ItemIDNumber does the work and gives the id as a JSON number, if it is a number.
func ItemIDNumber() Effect {
	return shape("item id number", func(r *reply) {
		if id := strings.Trim(r.id, `"`); json.Valid([]byte(id)) {
			r.id = id
		}
	})
}

// ItemStatusText does the work and gives the status as a JSON string.
func ItemStatusText() Effect {
	return shape("item status text", func(r *reply) { r.status = quote(r.status) })
}

// ItemNoStatus does the work and leaves the status out.
func ItemNoStatus() Effect { return shape("item no status", func(r *reply) { r.status = "" }) }

// ItemNoHeaders does the work and leaves the headers out.
func ItemNoHeaders() Effect { return shape("item no headers", func(r *reply) { r.headers = "" }) }

// ItemBody does the work and gives raw, which is JSON, for a body: null, a text, …
func ItemBody(raw string) Effect { return shape("item body", func(r *reply) { r.body = raw }) }

// ItemBase64 does the work and gives a body that is base64 of something else.
// Source: microsoftgraph/msgraph-sdk-dotnet-core#22.
func ItemBase64() Effect {
	return ItemBody(quote(base64.StdEncoding.EncodeToString([]byte("<html>not JSON</html>"))))
}

// ItemHuge does the work and gives a body of one megabyte.
func ItemHuge() Effect {
	return shape("item huge", func(r *reply) { r.body = `"` + strings.Repeat("x", 1<<20) + `"` })
}

// allEffects lists every effect once or in a few forms, for RandomFaults.
func allEffects() []Effect {
	all := []Effect{
		OuterHTML(200), OuterHTML(502), OuterAs(424), CutOff(), Truncated(),
		Spliced("<html>502 Bad Gateway</html>"), Reset(), Reset().AfterWork(), Hang(), Hang().AfterWork(),
		Slow(2 * time.Second), Delayed(5 * time.Second), OuterStatus(401), OuterStatus(401, "WWW-Authenticate", ClaimsChallenge),
		OuterStatus(429), OuterStatus(429, "Retry-After", "3"), OuterStatus(503, "Retry-After", "2"),
		ItemStatus(401), ItemStatus(429), ItemStatus(429, "Retry-After", "0.249"), ItemStatus(429, "Retry-After", "2"),
		ItemStatus(429, "Retry-After", "soon"), ItemEmptyCode(500), ItemErrorText(500).AfterWork(),
		ItemErrorIn(200), ItemErrorIn(200).AfterWork(), OuterAs(207), OuterMark(), OuterHeaders("Retry-After", "1"),
		ItemRetryAfterNumber(1), ItemHeaderArray("1"), ItemMissing(), ItemTwice(), ItemTwiceAs(500), ItemUnknownID("zz"),
		ItemIDNumber(), ItemStatusText(), ItemNoStatus(), ItemNoHeaders(), ItemBody("null"), ItemBody(`"text"`),
		ItemBase64(), ItemHuge(),
	}
	for _, status := range []int{400, 403, 413, 500, 502, 503, 504} {
		all = append(all, OuterStatus(status))
	}
	for _, status := range []int{500, 502, 503, 504} {
		all = append(all, OuterStatus(status).AfterWork())
	}
	for _, status := range []int{400, 403, 408, 409, 423, 424, 500, 502, 503, 504} {
		all = append(all, ItemStatus(status))
	}
	for _, status := range []int{408, 424, 500, 503, 504, 507} {
		all = append(all, ItemStatus(status).AfterWork())
	}
	return all
}

// errReset is what the client sees of a connection that ends without an answer.
var errReset = io.ErrUnexpectedEOF

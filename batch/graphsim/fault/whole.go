package fault

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"tapsweep/batch/graphsim/internal/wire"
)

// codes holds the error code for each status, as Graph and its gateways send them.
var codes = map[int]string{
	400: "BadRequest", 401: "InvalidAuthenticationToken", 403: "accessDenied",
	404: "UnknownError", 405: "Request_BadRequest", 408: "RequestTimeout",
	409: "conflict", 412: "preconditionFailed", 413: "RequestEntityTooLarge",
	423: "resourceLocked", 424: "FailedDependency", 429: "TooManyRequests",
	500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable",
	504: "GatewayTimeout", 507: "insufficientStorage",
}

func errorBody(status int, v *wire.Variety) wire.ErrorBody {
	return wire.NewError(cmp.Or(codes[status], "UnknownError"), http.StatusText(status), v.NewID(), "")
}

// inPlace is an effect that replaces the response.
func inPlace(name string, respond func(v *wire.Variety) wire.HTTPResponse) Effect {
	return Effect{name: name, whole: func(r *wire.HTTPResponse, v *wire.Variety) { *r = respond(v) }}
}

// onTrue is an effect that changes the true response.
func onTrue(name string, change func(*wire.HTTPResponse)) Effect {
	return Effect{name: name, afterWork: true, whole: func(r *wire.HTTPResponse, _ *wire.Variety) { change(r) }}
}

func setAll(h http.Header, pairs []string) {
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
}

// respond makes a response of a gateway or of Graph. headers alternates names and values.
func respond(status int, body []byte, v *wire.Variety, headers ...string) wire.HTTPResponse {
	id := v.NewID()
	r := wire.HTTPResponse{Status: status, Header: http.Header{}, Body: body}
	setAll(r.Header, append([]string{"Request-Id", id, "Client-Request-Id", id}, headers...))
	return r
}

// OuterStatus answers the whole batch with status and an error object. headers
// alternates names and values.
func OuterStatus(status int, headers ...string) Effect {
	return inPlace(fmt.Sprint("outer ", status), func(v *wire.Variety) wire.HTTPResponse {
		r := respond(status, wire.Marshal(errorBody(status, v)), v, headers...)
		r.Header.Set("Content-Type", wire.JSONType)
		return r
	})
}

// OuterHTML answers the whole batch with status and a page of HTML. With status 200 it
// looks like the login page of a proxy.
func OuterHTML(status int) Effect {
	title := http.StatusText(status)
	page := "<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>"
	e := OuterBody(status, page, "Content-Type", "text/html")
	e.name = fmt.Sprint("outer HTML ", status)
	return e
}

// OuterBody answers the whole batch with status and any body, as a gateway in front of
// Graph does. headers alternates names and values.
func OuterBody(status int, body string, headers ...string) Effect {
	return inPlace(fmt.Sprint("outer body ", status), func(v *wire.Variety) wire.HTTPResponse {
		return respond(status, []byte(body), v, headers...)
	})
}

// OuterHeaders adds headers to the true response. headers alternates names and values.
func OuterHeaders(headers ...string) Effect {
	return onTrue("outer headers", func(r *wire.HTTPResponse) { setAll(r.Header, headers) })
}

// OuterMark puts a byte order mark before the true response.
func OuterMark() Effect {
	return onTrue("outer byte order mark", func(r *wire.HTTPResponse) {
		r.Body = append([]byte("\xef\xbb\xbf"), r.Body...)
	})
}

// OuterAs sends the true response with another status, such as the 424 of older
// documentation. Source: microsoftgraph/microsoft-graph-docs-contrib#8883.
func OuterAs(status int) Effect {
	return onTrue(fmt.Sprint("outer as ", status), func(r *wire.HTTPResponse) { r.Status = status })
}

// CutOff ends the connection in the middle of the true response.
func CutOff() Effect { return onTrue("cut off", func(r *wire.HTTPResponse) { r.Cut = true }) }

// Truncated sends the first half of the true response as if it were complete.
func Truncated() Effect {
	return onTrue("truncated", func(r *wire.HTTPResponse) { r.Body = r.Body[:len(r.Body)/2] })
}

// Spliced inserts text, which need not be JSON, after the first single response.
// Source: microsoftgraph/microsoft-graph-docs-contrib#3435.
func Spliced(text string) Effect {
	return onTrue("spliced", func(r *wire.HTTPResponse) {
		end := bytes.Index(r.Body, []byte(`},{"id":`))
		if end < 0 {
			end = bytes.LastIndex(r.Body, []byte(`}]}`))
		}
		if end >= 0 {
			r.Body = slices.Concat(r.Body[:end+1], []byte(","+text), r.Body[end+1:])
		}
	})
}

// Reset ends the connection without a response, before the work unless AfterWork.
func Reset() Effect {
	return inPlace("reset", func(*wire.Variety) wire.HTTPResponse {
		return wire.HTTPResponse{Err: io.ErrUnexpectedEOF}
	})
}

// Hang never responds, before the work unless AfterWork. It ends when the client or
// the server ends the request.
func Hang() Effect {
	return inPlace("hang", func(*wire.Variety) wire.HTTPResponse { return wire.HTTPResponse{Hang: true} })
}

// Slow sends the true response byte by byte within the given time. Without a socket it does nothing.
func Slow(total time.Duration) Effect {
	return onTrue("slow", func(r *wire.HTTPResponse) { r.Slow = total })
}

// Delayed sends the true response later.
func Delayed(by time.Duration) Effect {
	return onTrue("delayed", func(r *wire.HTTPResponse) { r.Delay = by })
}

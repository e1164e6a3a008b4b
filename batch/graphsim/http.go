package graphsim

import (
	"bytes"
	"context"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// inbound is an HTTP request, whichever door it came through.
type inbound struct {
	method, path, query, host string // path as sent, not decoded
	header                    http.Header
	body                      []byte
}

// ServeHTTP is the tenant as a server for real HTTP: $batch and direct requests
// under /v1.0 and /beta, which need a token of the tenant's own, and the token
// endpoint. Whatever answer has absolute URLs has https ones.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, err := readInbound(r, r.Host)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away while sending
	}
	t.serve(r.Context(), in, func(out *wire) {
		if out.err != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), out.header)
		if out.status != http.StatusNoContent {
			w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		}
		w.WriteHeader(out.status)
		flush := http.NewResponseController(w).Flush
		switch {
		case out.cut:
			w.Write(out.body[:len(out.body)/2])
			flush()
			panic(http.ErrAbortHandler)
		case out.slow > 0:
			pace := max(out.slow/time.Duration(max(len(out.body), 1)), time.Millisecond)
			step := max(1, len(out.body)*int(pace)/int(out.slow))
			for rest := out.body; len(rest) > 0; rest = rest[min(step, len(rest)):] {
				if wait(r.Context(), pace) != nil {
					panic(http.ErrAbortHandler)
				}
				w.Write(rest[:min(step, len(rest))])
				flush()
			}
		default:
			w.Write(out.body)
			flush() // so that what the client was told is noted after it was told
		}
	})
}

// RoundTrip makes the tenant an http.RoundTripper: the same as ServeHTTP without a
// socket. It starts no goroutine and ends with the context of r.
func (t *Tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	in, err := readInbound(r, r.URL.Host)
	if err != nil {
		return nil, err
	}
	var resp *http.Response
	ctx := r.Context()
	t.serve(ctx, in, func(out *wire) {
		if out.err == nil && out.slow > 0 {
			out.err = wait(ctx, out.slow)
		}
		if err = out.err; err != nil {
			return
		}
		var body io.Reader = bytes.NewReader(out.body)
		if out.cut {
			body = io.MultiReader(bytes.NewReader(out.body[:len(out.body)/2]), cutReader{})
		}
		resp = &http.Response{
			Status:     strconv.Itoa(out.status) + " " + http.StatusText(out.status),
			StatusCode: out.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: out.header, Body: io.NopCloser(body), ContentLength: int64(len(out.body)), Request: r,
		}
	})
	return resp, err
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func readInbound(r *http.Request, host string) (*inbound, error) {
	in := &inbound{
		method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, host: host, header: r.Header,
	}
	if r.Body == nil {
		return in, nil
	}
	var err error
	in.body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	return in, err
}

// serve finds out what an HTTP request wants and hands the outcome to deliver.
func (t *Tenant) serve(ctx context.Context, in *inbound, deliver func(*wire)) {
	refuse := func(w wire) { deliver(&w) }
	if len(in.body) > maxBody {
		refuse(t.tooLarge())
		return
	}
	version, rest, _ := strings.Cut(strings.TrimPrefix(in.path, "/"), "/")
	if version != "v1.0" && version != "beta" {
		refuse(t.login(in))
		return
	}
	who, refused := t.authenticate(in)
	if refused != nil {
		refuse(*refused)
		return
	}
	root := "https://" + in.host + "/" + version
	if name, err := url.PathUnescape(rest); err != nil || name != "$batch" {
		shown := "/" + rest
		if in.query != "" {
			shown += "?" + in.query
		}
		t.direct(ctx, call{
			method: in.method, url: shown, query: in.query, route: parsePath(rest),
			header: in.header, body: in.body, root: root, who: who,
		}, deliver)
		return
	}
	kind, _, _ := mime.ParseMediaType(in.header.Get("Content-Type"))
	switch {
	case in.method != http.MethodPost:
		refuse(t.refuseBatch(in, 405, "Specified HTTP method is not allowed for the request target."))
	case kind != jsonType:
		refuse(t.refuseBatch(in, 400, "A batch request needs the Content-Type application/json."))
	default:
		t.post(ctx, in.body, root, who, deliver)
	}
}

func (t *Tenant) refuseBatch(in *inbound, status int, message string) wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outer(t.fail(&call{header: in.header}, status, "BadRequest", message))
}

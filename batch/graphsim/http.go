package graphsim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim/entra"
	"tapsweep/batch/graphsim/fault"
	"tapsweep/batch/graphsim/internal/wire"
)

// inbound is an HTTP request, with or without a socket.
type inbound struct {
	entra.HTTPRequest // its Path is not decoded
	header            http.Header
}

// ServeHTTP serves the token endpoint, and $batch and direct requests under /v1.0 and
// /beta. These need a token of the tenant. All absolute URLs in answers begin with https.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, err := readInbound(r, r.Host)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away
	}
	t.serve(r.Context(), in, func(out *wire.HTTPResponse) {
		if out.Err != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), out.Header)
		if out.Status != http.StatusNoContent {
			w.Header().Set("Content-Length", strconv.Itoa(len(out.Body)))
		}
		w.WriteHeader(out.Status)
		if out.Cut {
			writeAndFlush(w, out.Body[:len(out.Body)/2])
			panic(http.ErrAbortHandler)
		}
		for i := 0; out.Slow > 0 && i < len(out.Body); i++ {
			if wait(r.Context(), out.Slow/time.Duration(len(out.Body))) != nil {
				panic(http.ErrAbortHandler)
			}
			writeAndFlush(w, out.Body[i:i+1])
		}
		if out.Slow == 0 {
			writeAndFlush(w, out.Body) // before the tenant records that the client has the response
		}
	})
}

func writeAndFlush(w http.ResponseWriter, b []byte) {
	w.Write(b)
	http.NewResponseController(w).Flush()
}

// RoundTrip makes the tenant an http.RoundTripper. It does the same as ServeHTTP without a
// socket. It starts no goroutine, and ends when the context of r ends.
func (t *Tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	in, err := readInbound(r, r.URL.Host)
	if err != nil {
		return nil, err
	}
	var resp *http.Response
	t.serve(r.Context(), in, func(out *wire.HTTPResponse) {
		if err = out.Err; err != nil {
			return
		}
		date(out)
		var body io.Reader = bytes.NewReader(out.Body)
		if out.Cut {
			body = io.MultiReader(bytes.NewReader(out.Body[:len(out.Body)/2]), cutReader{})
		}
		resp = &http.Response{
			Status:     strconv.Itoa(out.Status) + " " + http.StatusText(out.Status),
			StatusCode: out.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: out.Header, Body: io.NopCloser(body), ContentLength: int64(len(out.Body)), Request: r,
		}
	})
	return resp, err
}

// date adds the header Date, as a server does.
func date(r *wire.HTTPResponse) {
	if _, set := r.Header["Date"]; !set {
		r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
}

type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func readInbound(r *http.Request, host string) (*inbound, error) {
	in := &inbound{header: r.Header, HTTPRequest: entra.HTTPRequest{
		Method: r.Method, Host: host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
	}}
	if r.Body == nil {
		return in, nil
	}
	var err error
	in.Body, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	return in, err
}

// serve answers an HTTP request of any kind, and passes the response to deliver.
func (t *Tenant) serve(ctx context.Context, in *inbound, deliver func(*wire.HTTPResponse)) {
	respond := func(r wire.HTTPResponse) { deliver(&r) }
	if len(in.Body) > maxBody {
		respond(t.tooLarge())
		return
	}
	version, path, _ := strings.Cut(strings.TrimPrefix(in.Path, "/"), "/")
	if version != "v1.0" && version != "beta" {
		respond(t.Entra.Serve(in.HTTPRequest))
		return
	}
	id, problem, challenge := t.Entra.Check(in.header.Get("Authorization"), in.Host)
	if problem != "" {
		respond(t.unauthorized(in, problem, challenge))
		return
	}
	who, root := newCaller(id), "https://"+in.Host+"/"+version
	if name, err := url.PathUnescape(path); err != nil || name != "$batch" {
		t.exchangeDirect(ctx, in.call(path, root, who), deliver)
		return
	}
	kind, _, _ := mime.ParseMediaType(in.header.Get("Content-Type"))
	switch {
	case in.Method != http.MethodPost:
		respond(t.refuse(in, 405, "BadRequest", "Specified HTTP method is not allowed for the request target."))
	case kind != wire.JSONType:
		respond(t.refuse(in, 400, "BadRequest", "A batch request needs the Content-Type application/json."))
	default:
		t.exchangeBatch(ctx, in.Body, root, who, deliver)
	}
}

// call returns the call of a direct request.
func (in *inbound) call(path, root string, who *principal) call {
	sent := "/" + path
	if in.Query != "" {
		sent += "?" + in.Query
	}
	return call{
		Request: fault.Request{Method: in.Method, URL: sent}, query: in.Query, route: parsePath(path),
		header: in.header, body: in.Body, root: root, who: who,
	}
}

// refuse returns an error response to a request that does not reach the tenant.
func (t *Tenant) refuse(in *inbound, status int, code, message string) wire.HTTPResponse {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byItself(t.fail(&call{header: in.header}, status, code, message))
}

func (t *Tenant) unauthorized(in *inbound, problem, challenge string) wire.HTTPResponse {
	r := t.refuse(in, 401, "InvalidAuthenticationToken", problem)
	r.Header.Set("WWW-Authenticate", challenge)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Unauthorized++
	return r
}

var _ batch.Poster = (*Tenant)(nil)

// maxBody is the size of the largest request body that the tenant reads, in bytes.
const maxBody = 4 << 20

// PostBatch answers one batch body for v1.0 without a socket and without a token. The
// requests have the permissions in Options.Roles. PostBatch starts no goroutine. If ctx
// ends, it returns an error that wraps ctx.Err(). As with a real connection, it is then
// unknown whether the requests were carried out.
func (t *Tenant) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	var out wire.HTTPResponse
	deliver := func(r *wire.HTTPResponse) {
		if r.Err == nil && r.Cut {
			r.Err = io.ErrUnexpectedEOF
		}
		if r.Err == nil {
			date(r)
		}
		out = *r
	}
	if len(body) > maxBody {
		out = t.tooLarge()
	} else {
		t.exchangeBatch(ctx, body, wire.PublicRoot+"/v1.0", t.self, deliver)
	}
	if out.Err != nil {
		return batch.Reply{}, fmt.Errorf("posting the batch: %w", out.Err)
	}
	return batch.NewReply(out.Status, out.Header, out.Body)
}

func (t *Tenant) tooLarge() wire.HTTPResponse {
	return t.refuse(new(inbound), 413, "RequestEntityTooLarge", "The request is larger than 4 MB.")
}

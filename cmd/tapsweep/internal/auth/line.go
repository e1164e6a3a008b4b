package auth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
)

// An UnreachedError says that the token issuer could not be asked, and why. It says nothing
// about the credential.
type UnreachedError struct {
	Host   string
	Err    error
	Outage bool // the host answered 429 or 5xx: it helps to ask again later
}

func (e *UnreachedError) Error() string {
	if e.Outage {
		return e.Host + " " + e.Err.Error()
	}
	return "no connection to " + e.Host + ": " + e.Err.Error()
}

func (e *UnreachedError) Unwrap() error { return e.Err }

// A line sends the requests of azidentity to the token issuer. It follows no redirect, because a
// token request is as sensitive as the credential. It records whether the last request was answered,
// because azidentity keeps only the text of an error.
type line struct {
	client *http.Client
	cut    atomic.Pointer[UnreachedError] // nil if the last request was answered
}

func newLine(o Options) *line {
	client := http.Client{Transport: Transport(o.Roots)}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &line{client: &client}
}

// Transport returns a transport like Graph's that trusts the roots, or the system's if roots is nil.
// The addresses of a managed identity use plain http, and are not asked through a proxy.
// Source: learn.microsoft.com/azure/virtual-machines/instance-metadata-service, "Proxies".
func Transport(roots *x509.CertPool) *http.Transport {
	t := graph.NewTransport(nil)
	if roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	t.Proxy = exceptHTTP(http.ProxyFromEnvironment)
	return t
}

// exceptHTTP returns a choice of proxies that has none for plain http.
func exceptHTTP(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme == "http" {
			return nil, nil
		}
		return proxy(r)
	}
}

// Do sends a request of azidentity.
func (l *line) Do(req *http.Request) (*http.Response, error) {
	if err := conceal(req); err != nil {
		return nil, err
	}
	if req.URL.Scheme == "http" { // a machine without a managed identity is no lack of a connection
		return l.client.Do(req)
	}
	host := req.URL.Host
	l.cut.Store(&UnreachedError{Host: host, Err: errors.New("no answer yet")})
	resp, err := l.client.Do(req)
	if err != nil {
		if cause, ok := errors.AsType[*url.Error](err); ok {
			err = cause.Err
		}
		cut := &UnreachedError{Host: host, Err: err}
		l.cut.Store(cut)
		return nil, cut
	}
	l.cut.Store(nil)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		text := strings.TrimSpace(fmt.Sprintf("answers %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
		l.cut.Store(&UnreachedError{Host: host, Err: errors.New(text), Outage: true}) // azidentity gets the answer
	}
	return resp, nil
}

// Unreached returns why the token issuer gave no valid answer to the last request, and nil if it did.
func (c *Credential) Unreached() *UnreachedError {
	if c.line == nil {
		return nil
	}
	return c.line.cut.Load()
}

// concealed holds the fields of a token request whose values are as sensitive as the credential.
var concealed = []string{"client_secret", "client_assertion", "assertion", "refresh_token", "code", "code_verifier",
	"device_code", "password"}

// conceal registers the secrets in a request with safetext.Conceal, so that they are never shown, even
// if an answer quotes the request.
func conceal(req *http.Request) error {
	if req.Body == nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	body, err := io.ReadAll(req.Body) // a form, which azidentity holds in memory anyway
	if err != nil {
		return fmt.Errorf("reading the token request: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return fmt.Errorf("reading the token request: %w", err)
	}
	for _, name := range concealed {
		safetext.Conceal(form[name]...)
	}
	return nil
}

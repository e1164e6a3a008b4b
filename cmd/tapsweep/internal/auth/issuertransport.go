package auth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"tapsweep/batch/graph"
	"tapsweep/batch/safetext"
)

// maxAnswer is the maximum size of an answer of the authority, after decompression. Real
// answers have a few KiB.
const maxAnswer = 1 << 20

// An issuerTransport sends all requests to the token issuer. All azidentity credentials that use HTTP share it. It
// sends only to the hosts of the authority, over https, and to the addresses of a managed identity. It follows no
// redirect, because a token request is as sensitive as the credential. It reads answers of at most maxAnswer bytes.
//
// It also records whether the last request was answered, because azidentity keeps only the text of the error.
type issuerTransport struct {
	client   *http.Client
	hosts    []string   // the hosts of the authority
	regional bool       // regional hosts also belong to the authority
	identity []*url.URL // nil if no managed identity may be asked

	lastFailure atomic.Pointer[AuthorityUnreachableError] // nil if the last request was answered
}

func newIssuerTransport(o Options) *issuerTransport {
	client := http.Client{Transport: Transport(o.Roots)}
	if o.HTTP != nil {
		client = *o.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	l := &issuerTransport{client: &client, hosts: o.Hosts, regional: o.getenv("AZURE_REGIONAL_AUTHORITY_NAME") != ""}
	if u, err := url.Parse(o.Authority); err == nil && l.hosts == nil {
		l.hosts = []string{hostOf(u)}
	}
	if o.Method == "managed-identity" || o.Method == "default" {
		l.identity = identityAddresses(o.getenv)
	}
	return l
}

// Transport returns a transport like that for Graph. It trusts roots, or the roots of the system if roots is nil. It
// uses no proxy for plain http, which only the addresses of a managed identity use.
// Source: learn.microsoft.com/azure/virtual-machines/instance-metadata-service, "Proxies".
func Transport(roots *x509.CertPool) *http.Transport {
	t := graph.NewTransport(nil)
	if roots != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	t.Proxy = exceptHTTP(http.ProxyFromEnvironment)
	return t
}

// exceptHTTP returns a proxy function that uses no proxy for plain http.
func exceptHTTP(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme == "http" {
			return nil, nil
		}
		return proxy(r)
	}
}

// hostOf returns the host of a URL in the form that is compared: in lower case, with the port
// if it is not 443.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// isAuthority reports whether a URL is on one of the authority's hosts.
func (l *issuerTransport) isAuthority(u *url.URL) bool {
	if u.Scheme != "https" || u.User != nil || u.Host == "" {
		return false
	}
	host := hostOf(u)
	return slices.Contains(l.hosts, host) ||
		l.regional && slices.ContainsFunc(l.hosts, func(own string) bool { return strings.HasSuffix(host, "."+own) })
}

// Do sends a request of azidentity.
func (l *issuerTransport) Do(req *http.Request) (*http.Response, error) {
	own := l.isAuthority(req.URL)
	if !own && !l.isIdentity(req.URL) {
		return nil, l.lost(req, misled("was not contacted: the sign-in would go to %s, which is not the authority",
			shown(req.URL)))
	}
	if err := conceal(req); err != nil {
		return nil, err
	}
	_ = l.lost(req, errPending) // recorded until there is an answer
	resp, err := l.client.Do(req)
	if err != nil {
		if cause, is := errors.AsType[*url.Error](err); is {
			err = cause.Err
		}
		return nil, l.lost(req, err)
	}
	body, err := readAnswer(resp)
	if err == nil {
		err = l.judge(resp, body, own)
	}
	if err != nil {
		return nil, l.lost(req, err)
	}
	concealTokens(body)
	var away *AuthorityUnreachableError
	if err := outage(resp.StatusCode, body); err != nil { // azidentity still gets the answer
		away = &AuthorityUnreachableError{req.URL.Host, Outage, retryAfter(resp.Header), err}
	}
	l.lastFailure.Store(away)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// lost records why a request has no valid answer, and returns the error.
func (l *issuerTransport) lost(req *http.Request, err error) error {
	cut := &AuthorityUnreachableError{Host: req.URL.Host, Kind: kindOf(err), Err: err}
	l.lastFailure.Store(cut)
	return cut
}

// judge returns an error if an answer would send the credential to another host.
func (l *issuerTransport) judge(resp *http.Response, body []byte, own bool) error {
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		to, _ := resp.Location() // nil if it cannot be read
		return misled("answers %d with a redirect to %s, which is not followed", resp.StatusCode, shown(to))
	case own && resp.Request.Method == http.MethodGet:
		for name, u := range endpoints(body) {
			if u == nil || !l.isAuthority(u) {
				return misled("names a %s at %s, which is not the authority", name, shown(u))
			}
		}
	}
	return nil
}

// shown returns a URL without the parts that may contain a secret.
func shown(u *url.URL) string {
	if u == nil || u.Host == "" {
		return "an address that cannot be read"
	}
	return safetext.Printable(u.Scheme + "://" + u.Host)
}

// readAnswer reads the whole answer. The transport has decompressed it.
func readAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = misled("sends an answer of more than 1 MiB")
	}
	return body, err
}

package auth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"tapsweep/batch"
	"tapsweep/batch/graph"
)

// maxAnswer bounds an answer of the authority, after decompression. Real ones are a few KiB.
const maxAnswer = 1 << 20

// A line is the only way to whoever issues tokens. All credentials of azidentity that ask by
// HTTP share it. It sends to the authority's own hosts by https, and to the addresses of a
// managed identity, and follows no redirect: what a credential sends is as good as the
// credential. It reads answers up to maxAnswer.
//
// It also notes whether the last request was answered: azidentity keeps no more than the
// text of that.
type line struct {
	next     *http.Client
	direct   *http.Client // past any proxy, for a managed identity
	hosts    []string     // of the authority
	regional bool         // hosts of a region are the authority's as well
	identity []*url.URL   // nil where no managed identity may be asked

	cut atomic.Pointer[UnreachedError] // nil if the last request was answered
}

func newLine(o Options) *line {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	next := http.Client{Transport: graph.NewTransport(nil)}
	if o.HTTP != nil {
		next = *o.HTTP
	}
	next.CheckRedirect = stay
	l := &line{next: &next, direct: &next, hosts: o.Hosts, regional: os.Getenv("AZURE_REGIONAL_AUTHORITY_NAME") != ""}
	if u, err := url.Parse(o.Authority); err == nil && l.hosts == nil {
		l.hosts = []string{hostOf(u)}
	}
	if o.Method == "managed-identity" || o.Method == "default" {
		l.identity = identityAddresses()
		if o.HTTP == nil {
			// Source: learn.microsoft.com/azure/virtual-machines/instance-metadata-service, "Proxies".
			transport := graph.NewTransport(nil)
			transport.Proxy = nil
			l.direct = &http.Client{Transport: transport, CheckRedirect: stay}
		}
	}
	return l
}

// hostOf is the host of a URL as it is compared: in small letters, with the port if that is
// not the usual one.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// isAuthority reports whether a URL is one of the authority's own.
func (l *line) isAuthority(u *url.URL) bool {
	if u.Scheme != "https" || u.User != nil || u.Host == "" {
		return false
	}
	host := hostOf(u)
	return slices.Contains(l.hosts, host) ||
		l.regional && slices.ContainsFunc(l.hosts, func(own string) bool { return strings.HasSuffix(host, "."+own) })
}

// Do sends a request of azidentity's.
func (l *line) Do(req *http.Request) (*http.Response, error) {
	client, own := l.next, l.isAuthority(req.URL)
	switch {
	case own:
	case l.isIdentity(req.URL):
		client = l.direct
	default:
		return nil, l.lost(req, misled("refuses to go on: the sign-in is sent to %s, which is not the authority",
			shown(req.URL)))
	}
	if err := conceal(req); err != nil {
		return nil, err
	}
	_ = l.lost(req, errPending) // until there is one
	resp, err := client.Do(req)
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
	if away := outage(resp.StatusCode, resp.Header, body); away != nil {
		_ = l.lost(req, away) // azidentity reads the answer all the same
	} else {
		l.cut.Store(nil)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// lost notes why a request has no answer, and returns that.
func (l *line) lost(req *http.Request, err error) error {
	cut := &UnreachedError{Host: req.URL.Host, Err: err}
	l.cut.Store(cut)
	return cut
}

// judge refuses an answer that sends the credential elsewhere.
func (l *line) judge(resp *http.Response, body []byte, own bool) error {
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return redirected(resp)
	case own && resp.Request.Method == http.MethodGet:
		for name, u := range endpoints(body) {
			if u == nil || !l.isAuthority(u) {
				return misled("answers with a %s at %s, which is not the authority", name, shown(u))
			}
		}
	}
	return nil
}

// redirected is the error of an answer that is a redirect.
func redirected(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		to = nil
	}
	return misled("answers %d with a redirect to %s, which is not followed", resp.StatusCode, shown(to))
}

// shown is the part of a URL that holds no secret.
func shown(u *url.URL) string {
	if u == nil || u.Host == "" {
		return "an address that cannot be read"
	}
	return batch.Printable(u.Scheme + "://" + u.Host)
}

// readAnswer reads an answer whole. The transport has decompressed it.
func readAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = misled("sends an answer of more than 1 MiB")
	}
	return body, err
}

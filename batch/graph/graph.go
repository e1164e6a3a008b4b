// Package graph posts batches to Microsoft Graph with a token. It uses the request adapter of
// msgraph-sdk-go-core for authentication and telemetry, but not its retries, redirects,
// compression and claims handling: only package batch sends a request twice.
//
// No other package imports the core of the SDK.
package graph

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	nethttplibrary "github.com/microsoft/kiota-http-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"

	"tapsweep/batch"
)

// DefaultRoot is the root URL of Graph in the global cloud.
const DefaultRoot = "https://graph.microsoft.com"

// The maximum number of bytes that are read from a response, after decompression. A batch with reads can contain 20
// responses of a megabyte each. If a whole batch is refused, the beginning of the response contains the reason.
const (
	maxReadReply  = 32 << 20
	maxWriteReply = 4 << 20
	maxErrorReply = 64 << 10
)

// Options of a Client. The zero value of each field is its default.
type Options struct {
	// Root is the root URL of Graph without a version. Empty means DefaultRoot. Plain http is allowed only for this
	// machine.
	Root string

	// Audience is the audience of the token; with /.default it is the scope. Empty means Root. Set it if Root is a
	// gateway in front of Graph.
	Audience string

	// Version is the API version. Empty means "v1.0".
	Version string

	// UserAgent is the program, as "name/version".
	UserAgent string

	// Transport sends the requests. Nil means NewTransport(nil).
	Transport http.RoundTripper
}

// A Client posts batches. It is safe for concurrent use and implements
// batch.Poster. A batch response larger than 32 MiB, or 4 MiB for a batch without reads, is an
// error, and it is unknown which requests were carried out. If responses can be that large, for
// example photos, choose a smaller batch.Options.BatchSize.
type Client struct {
	adapter  *msgraphgocore.GraphRequestAdapterBase
	http     *http.Client
	tokens   *tokenSource
	batchURL url.URL

	// closeIdle is the method of the transport, because the wrapper of kiota does not have it.
	closeIdle func()
}

// New returns a Client that authenticates with credential. It sends nothing. If an error of the credential is
// batch.ErrNotSent, the token issuer cannot be reached, and a run waits for it as for any connection. Any other error
// stops the run.
func New(credential azcore.TokenCredential, opts Options) (*Client, error) {
	root, err := ParseRoot(opts.Root)
	if err != nil {
		return nil, err
	}
	transport := opts.Transport
	if transport == nil {
		transport = NewTransport(nil)
	}
	middleware := []nethttplibrary.Middleware{
		msgraphgocore.NewGraphTelemetryHandler(&msgraphgocore.GraphClientOptions{})}
	if name, v, ok := strings.Cut(opts.UserAgent, "/"); ok {
		middleware = append(middleware, nethttplibrary.NewUserAgentHandlerWithOptions(
			&nethttplibrary.UserAgentHandlerOptions{Enabled: true, ProductName: name, ProductVersion: v}))
	}
	client := &http.Client{
		Transport: nethttplibrary.NewCustomTransportWithParentTransport(transport, middleware...),
		// A redirect is returned as the answer, because the token must not be sent to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	audience := cmp.Or(strings.TrimSuffix(opts.Audience, "/"), root.String())
	tokens := &tokenSource{credential: credential, scope: audience + "/.default", origin: root}
	adapter, err := msgraphgocore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		authentication.NewBaseBearerTokenAuthenticationProvider(tokens),
		msgraphgocore.GraphClientOptions{}, nil, nil, client)
	if err != nil {
		return nil, fmt.Errorf("creating the Graph request adapter: %w", err)
	}
	c := &Client{adapter: adapter, http: client, tokens: tokens, closeIdle: func() {}}
	c.batchURL = *root.JoinPath(cmp.Or(opts.Version, "v1.0"), "$batch")
	if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
		c.closeIdle = t.CloseIdleConnections
	}
	return c, nil
}

// NewTransport returns a transport for long runs: it uses HTTP/2, detects dead connections and
// uses proxies from the environment. A nil base means http.DefaultTransport.
func NewTransport(base *http.Transport) *http.Transport {
	if base == nil {
		base = http.DefaultTransport.(*http.Transport)
	}
	t := base.Clone()
	t.ForceAttemptHTTP2 = true
	t.MaxIdleConnsPerHost = 128 // for proxies that only support HTTP/1.1
	// A ping detects a dead connection before each post on it times out.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second}
	return t
}

// ParseRoot parses the root URL of Graph, to which the token is sent. It accepts only a scheme and a host, with TLS
// unless the host is this machine. The error does not quote a root that may contain a password or a key.
func ParseRoot(root string) (*url.URL, error) {
	root = cmp.Or(root, DefaultRoot)
	if strings.ContainsAny(root, "@?#") {
		return nil, fmt.Errorf("the Graph root must not hold a user name, a password, a query or a fragment: "+
			"give a scheme and a host, such as %s", DefaultRoot)
	}
	u, err := url.Parse(strings.TrimSuffix(root, "/"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the Graph root: %w", err)
	case u.Host == "" || u.Path != "":
		return nil, fmt.Errorf("the Graph root %q must be a scheme and a host without a version, such as %s",
			root, DefaultRoot)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	default:
		return nil, fmt.Errorf("the Graph root %q must begin with https:// "+
			"(http:// is for localhost, 127.0.0.1 and ::1 only)", root)
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || net.ParseIP(host).Equal(net.IPv6loopback)
}

// PostBatch implements batch.Poster.
func (c *Client) PostBatch(ctx context.Context, body []byte) (batch.Reply, error) {
	info := abstractions.NewRequestInformation()
	info.Method = abstractions.POST
	info.SetUri(c.batchURL)
	info.Headers.Add("Accept", "application/json")
	info.SetStreamContentAndContentType(body, "application/json")
	native, err := c.adapter.ConvertToNativeRequest(ctx, info)
	if err != nil {
		return batch.Reply{}, tokenProblem(err)
	}
	req := native.(*http.Request)
	// The adapter sets neither, and without them a request that the server
	// certainly did not process cannot be sent on another connection.
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }

	connected := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = true }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil && !connected {
		return batch.Reply{}, fmt.Errorf("%w: %w", batch.ErrNotSent, withoutURL(err))
	}
	if err != nil {
		return batch.Reply{}, withoutURL(err)
	}
	defer resp.Body.Close()
	// batch.NewReply accepts a 424, so it must be complete.
	refused, most := resp.StatusCode >= 300 && resp.StatusCode != http.StatusFailedDependency, maxReadReply
	switch {
	case refused:
		most = maxErrorReply
	case !bytes.Contains(body, []byte("GET")):
		most = maxWriteReply
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case err != nil && !refused: // for a refused batch, an incomplete body is enough
		return batch.Reply{}, fmt.Errorf("reading the batch response: %w", err)
	case len(answer) > most && !refused:
		return batch.Reply{},
			fmt.Errorf("the batch response is larger than %d bytes: put fewer requests into a batch", most)
	case resp.StatusCode == http.StatusServiceUnavailable:
		// A 503 asks for a new connection, since the next one may lead to
		// another host. Source: learn.microsoft.com/graph/best-practices-concept.
		c.closeIdle()
	}
	return batch.NewReply(resp.StatusCode, resp.Header, answer)
}

// Token returns the access token in use, or a new one if there is none. An error
// is a *TokenError.
func (c *Client) Token(ctx context.Context) (string, error) {
	t, err := c.tokens.token(ctx)
	if err != nil {
		return "", &TokenError{err}
	}
	return t.Token, nil
}

// Reauthorize replaces a token that Graph refused. If Graph sent a challenge, it requests a token with these claims.
// Use it in batch.Options.
func (c *Client) Reauthorize(ctx context.Context, refused *batch.StatusError) error {
	if err := c.tokens.renew(ctx, refused); err != nil {
		return tokenProblem(err)
	}
	return nil
}

// withoutURL removes the method and URL from an error of net/http, because they are the same for each post.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

package auth

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
)

var errPending = errors.New("no answer yet")

// A Kind is how the token issuer failed to answer.
type Kind int

const (
	NoConnection Kind = iota
	Untrusted         // this machine does not trust the certificate
	Outage            // the authority is out of service or overloaded: it helps to ask again later
	Misled            // something else answers in its place, or the next request would go to another host
)

// An AuthorityUnreachableError is returned if the token issuer gave no valid answer. The credential may be right.
type AuthorityUnreachableError struct {
	Host string
	Kind Kind
	Wait time.Duration // how long an authority with an Outage asks to wait; 0 if it does not ask
	Err  error
}

func (e *AuthorityUnreachableError) Error() string {
	if e.Kind == Outage || e.Kind == Misled {
		return e.Host + " " + e.Err.Error()
	}
	return "no connection to " + e.Host + ": " + e.Err.Error()
}

func (e *AuthorityUnreachableError) Unwrap() error { return e.Err }

// A misledError is why the Kind is Misled.
type misledError struct{ error }

// NonRetriable tells azidentity not to retry a request whose answer was refused.
// Source: github.com/Azure/azure-sdk-for-go/sdk/internal/errorinfo.
func (misledError) NonRetriable() {}

func misled(format string, args ...any) error { return misledError{fmt.Errorf(format, args...)} }

// kindOf returns the Kind of an error of the transport.
func kindOf(err error) Kind {
	if _, ok := errors.AsType[misledError](err); ok {
		return Misled
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Untrusted
	}
	return NoConnection
}

// Unreached returns why the token issuer gave no valid answer to the last request. It returns nil if there was an
// answer, and for a machine without a managed identity, whose local endpoint does not answer.
func (c *Credential) Unreached() *AuthorityUnreachableError {
	if c.transport == nil {
		return nil
	}
	cut := c.transport.lastFailure.Load()
	if cut == nil {
		return nil
	}
	answered := cut.Kind == Outage || cut.Kind == Misled
	if !answered && !slices.Contains(c.transport.hosts, hostOf(&url.URL{Scheme: "https", Host: cut.Host})) {
		return nil
	}
	return cut
}

// transient holds the numbers of Entra's transient errors: ExternalServerRetryableError,
// RequestTimeout, RequestBudgetExceededError, MsodsServiceUnavailable and
// TenantThrottlingError.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
var transient = []int{90006, 90012, 90024, 90033, 90055}

// An oauthError is the error object of an authority.
type oauthError struct {
	Code    string `json:"error"` // temporarily_unavailable is transient: RFC 6749, 4.1.2.1
	Said    string `json:"error_description"`
	Numbers []int  `json:"error_codes"`
}

// said returns the description for people.
func (e *oauthError) said() string {
	return safetext.Printable(strings.Join(strings.Fields(e.Said), " "))
}

// outage describes an answer that shows that the service has an outage or is overloaded. It returns nil for any other
// answer.
func outage(status int, body []byte) error {
	if status < 400 {
		return nil
	}
	var e oauthError
	if json.Unmarshal(body, &e) != nil {
		e = oauthError{} // the body may be the page of a gateway
	}
	passes := status == http.StatusTooManyRequests || status >= 500 || e.Code == "temporarily_unavailable" ||
		slices.ContainsFunc(transient, func(n int) bool {
			return slices.Contains(e.Numbers, n) || strings.HasPrefix(e.Said, fmt.Sprintf("AADSTS%d:", n))
		})
	if !passes {
		return nil
	}
	text := strings.TrimSpace(fmt.Sprintf("answers %d %s", status, http.StatusText(status)))
	if e.Said != "" {
		text += ": " + e.said()
	}
	return errors.New(text)
}

// maxWait is the longest wait that an authority can ask for.
const maxWait = 24 * time.Hour

// retryAfter returns the wait that an answer asks for, 0 if it asks for none.
func retryAfter(header http.Header) time.Duration {
	wait, _ := batch.LongestRetryAfter(time.Now(), header)
	return min(wait, maxWait)
}

// endpoints returns the addresses in the metadata of an authority. An address that cannot be parsed is nil.
func endpoints(body []byte) map[string]*url.URL {
	var metadata map[string]any
	if json.Unmarshal(body, &metadata) != nil {
		return nil
	}
	found := make(map[string]*url.URL)
	for _, name := range []string{"token_endpoint", "authorization_endpoint", "device_authorization_endpoint",
		"tenant_discovery_endpoint"} {
		if value, is := metadata[name]; is {
			text, _ := value.(string)
			found[name], _ = url.Parse(text)
		}
	}
	return found
}

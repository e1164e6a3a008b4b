package auth

import (
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

// An AuthorityUnreachableError is returned if the token issuer gave no valid answer. The credential may be right.
type AuthorityUnreachableError struct {
	Host string
	Err  error
}

func (e *AuthorityUnreachableError) Error() string {
	if _, answered := errors.AsType[*AnswerError](e.Err); answered {
		return e.Host + " " + e.Err.Error()
	}
	return "no connection to " + e.Host + ": " + e.Err.Error()
}

func (e *AuthorityUnreachableError) Unwrap() error { return e.Err }

// An AnswerError is an answer that does not show whether the credential is right: the authority has an outage, or
// something else answers in its place.
type AnswerError struct {
	Text string // what the host did, such as "answers 503"

	// Passing is set if it helps to ask again later. An answer that is not Passing is invalid, or redirects to
	// another address, to which nothing was sent.
	Passing bool

	// Wait is how long the service asks to wait. It is 0 if the service does not ask.
	Wait time.Duration
}

func (e *AnswerError) Error() string { return e.Text }

// NonRetriable tells azidentity not to retry a request whose answer was refused.
// Source: github.com/Azure/azure-sdk-for-go/sdk/internal/errorinfo.
func (e *AnswerError) NonRetriable() {}

func misled(format string, args ...any) error {
	return &AnswerError{Text: fmt.Sprintf(format, args...)}
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
	_, answered := errors.AsType[*AnswerError](cut.Err)
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

// outage returns an error if an answer shows that the service has an outage or is overloaded, nil for any other
// answer.
func outage(status int, header http.Header, body []byte) *AnswerError {
	if status < 400 {
		return nil
	}
	var e oauthError
	if json.Unmarshal(body, &e) != nil {
		e = oauthError{} // the body may be the page of a gateway
	}
	passes := status == http.StatusTooManyRequests || status >= 500 || e.Code == "temporarily_unavailable" ||
		slices.ContainsFunc(e.Numbers, func(n int) bool { return slices.Contains(transient, n) }) ||
		slices.ContainsFunc(transient, func(n int) bool {
			return strings.HasPrefix(e.Said, fmt.Sprintf("AADSTS%d:", n))
		})
	if !passes {
		return nil
	}
	text := fmt.Sprintf("answers %d", status)
	if name := http.StatusText(status); name != "" {
		text += " " + name
	}
	if e.Said != "" {
		text += ": " + safetext.Printable(strings.Join(strings.Fields(e.Said), " "))
	}
	return &AnswerError{Text: text, Passing: true, Wait: retryAfter(header)}
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
			u, err := url.Parse(text)
			if err != nil {
				u = nil
			}
			found[name] = u
		}
	}
	return found
}

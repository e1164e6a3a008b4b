package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tapsweep/batch"
	"tapsweep/batch/safetext"
)

// A TokenError is returned if there is no access token, so that nothing was sent. It is a batch.ErrUnauthorized, which
// stops a run.
type TokenError struct{ Err error }

func (e *TokenError) Error() string        { return "getting an access token: " + summarize(e.Err.Error()) }
func (e *TokenError) Unwrap() error        { return e.Err }
func (e *TokenError) Is(target error) bool { return target == batch.ErrUnauthorized }

// An OfflineError says that the issuer of tokens cannot be reached. It is a batch.ErrNotSent.
type OfflineError struct{ Err error }

func (e *OfflineError) Error() string        { return e.Err.Error() }
func (e *OfflineError) Unwrap() error        { return e.Err }
func (e *OfflineError) Is(target error) bool { return target == batch.ErrNotSent }

// tokenProblem returns the error for a run without a token. If there is no connection, the run waits. Otherwise it
// stops.
func tokenProblem(err error) error {
	if errors.Is(err, batch.ErrNotSent) {
		return fmt.Errorf("%w: %s", batch.ErrNotSent, (&TokenError{err}).Error())
	}
	return &TokenError{err}
}

var aadsts = regexp.MustCompile(`\bAADSTS(\d{4,8})\b`)

// Code returns the number of the Entra error, such as 7000215, or 0 if there is none.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
func (e *TokenError) Code() int {
	m := aadsts.FindStringSubmatch(e.Err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // digits, and few of them
	return n
}

// entraError finds the error of Entra, such as AADSTS7000215, in the answer that azidentity quotes completely.
var entraError = regexp.MustCompile(`"error_description":\s*("(?:[^"\\]|\\.)*")`)

// The maximum length of an error in characters: of one credential in a chain, and of a single credential.
const (
	maxInChain = 240
	maxAlone   = 500
)

// summarize shortens an error of azidentity, which quotes requests and answers in many lines. It returns the error of
// Entra, or one line for each credential that was tried.
func summarize(text string) string {
	text = PlainWords(safetext.Mask(text))   // before it is truncated
	if said := entraSays(text); said != "" { // a chain ends with the first credential that Entra answers
		return safetext.Printable(said)
	}
	if _, tried, ok := strings.Cut(text, "Attempted credentials:"); ok {
		return summarizeChain(tried)
	}
	return elideMiddle(oneLine(text), maxAlone)
}

// plainWords replaces texts of azidentity for programmers.
// Source: azidentity v1.15.0, environment_credential.go, workload_identity.go, errors.go.
var plainWords = strings.NewReplacer(
	"missing environment variable ", "lacks the environment variable ",
	"incomplete environment variable configuration. Only AZURE_TENANT_ID and AZURE_CLIENT_ID are set",
	"lacks AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
	"no value for AZURE_PASSWORD", "lacks the environment variable AZURE_PASSWORD",
	"no client ID specified. Check pod configuration or set ClientID in the options",
	"lacks the environment variable AZURE_CLIENT_ID",
	"no tenant ID specified. Check pod configuration or set TenantID in the options",
	"lacks the environment variable AZURE_TENANT_ID",
	"no token file specified. Check pod configuration or set TokenFilePath in the options",
	"lacks the environment variable AZURE_FEDERATED_TOKEN_FILE",
	"AzureCLICredential: executable not found on path", "azure-cli: az is not installed, or not on PATH",
	"AzureDeveloperCLICredential: executable not found on path",
	"azure-developer-cli: azd is not installed, or not on PATH",
	"AzurePowerShellCredential: executable not found on path",
	"azure-powershell: pwsh is not installed, or not on PATH",
	"AzureCLICredential", "azure-cli", "AzureDeveloperCLICredential", "azure-developer-cli",
	"AzurePowerShellCredential", "azure-powershell", "EnvironmentCredential", "environment",
	"ManagedIdentityCredential authentication failed.", "managed-identity:",
	"ManagedIdentityCredential", "managed-identity", "WorkloadIdentityCredential", "workload-identity",
	"ClientSecretCredential", "secret", "ClientCertificateCredential", "certificate",
)

// PlainWords replaces texts of azidentity for programmers, such as the names of its types and options.
func PlainWords(text string) string { return plainWords.Replace(text) }

func entraSays(text string) string {
	m := entraError.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	var said string
	if json.Unmarshal([]byte(m[1]), &said) != nil {
		return ""
	}
	return strings.Join(strings.Fields(said), " ")
}

// summarizeChain shortens the error of a chain of credentials. The error of each credential begins with one tab; the
// lines after it belong to it.
func summarizeChain(tried string) string {
	var parts []string
	for line := range strings.Lines(tried) {
		if one, ok := strings.CutPrefix(line, "\t"); ok && !strings.HasPrefix(one, "\t") {
			parts = append(parts, one)
		} else if len(parts) > 0 {
			parts[len(parts)-1] += line
		}
	}
	var b strings.Builder
	b.WriteString("no way to sign in works here")
	for _, part := range parts {
		b.WriteString("\n" + elideMiddle(oneLine(part), maxInChain))
	}
	return b.String()
}

// filler matches the text that azidentity writes between the parts of an answer.
var filler = regexp.MustCompile(`-{20,}|Response contained no body`)

// oneLine returns text on one line, without filler and without the link for troubleshooting at the end of many errors
// of azidentity.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(filler.ReplaceAllString(text, " ")), " ")
	text, _, _ = strings.Cut(text, " To troubleshoot, visit ")
	return text
}

// elideMiddle returns text in a form that is safe to show. If it is too long, it removes the middle: the beginning of a
// wrapped error shows who reports it, and the end shows what is wrong.
func elideMiddle(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return safetext.Printable(text)
	}
	// If a secret is cut, or separated from the words before it such as "client_secret =", it is no longer
	// recognised. So three words at the cut are also removed.
	tailStart := len(r) - (most - most/3 - 3)
	head := safetext.Printable(string(r[:most/3]))
	tail := strings.SplitN(safetext.Printable(string(r[tailStart:])), " ", 4)
	if len(tail) < 4 {
		return safetext.Printable(string(r[:most])) + "…"
	}
	if last := strings.LastIndexByte(head, ' '); last > 0 {
		head = head[:last]
	}
	return head + " … " + tail[3]
}

package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tapsweep/batch"
)

// A TokenError says that no access token could be had, so nothing was sent. It
// is a batch.ErrUnauthorized, which ends a run.
type TokenError struct{ Err error }

func (e *TokenError) Error() string        { return "getting an access token: " + brief(e.Err.Error()) }
func (e *TokenError) Unwrap() error        { return e.Err }
func (e *TokenError) Is(target error) bool { return target == batch.ErrUnauthorized }

// An offlineError says that the issuer of tokens cannot be reached.
type offlineError struct{ error }

func (e *offlineError) Is(target error) bool { return target == batch.ErrNotSent }

// tokenProblem returns what a run is told if there is no token. If that is for lack of a
// connection, the run waits; otherwise it stops.
func tokenProblem(err error) error {
	if errors.Is(err, batch.ErrNotSent) {
		return fmt.Errorf("%w: %s", batch.ErrNotSent, (&TokenError{err}).Error())
	}
	return &TokenError{err}
}

var aadsts = regexp.MustCompile(`\bAADSTS(\d{4,8})\b`)

// Code returns the number of Entra's error, such as 7000215, or 0 if there is none.
// Source: learn.microsoft.com/entra/identity-platform/reference-error-codes.
func (e *TokenError) Code() int {
	m := aadsts.FindStringSubmatch(e.Err.Error())
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // digits, and few of them
	return n
}

// description is where Entra says what is wrong, such as AADSTS7000215, in the
// answer that azidentity quotes whole.
var description = regexp.MustCompile(`"error_description":\s*("(?:[^"\\]|\\.)*")`)

// attempted comes before what each credential of a chain has to say, a line each.
const attempted = "Attempted credentials:"

// brief is what a person needs of azidentity's errors, which quote requests and
// answers over many lines: what Entra says, or one line for each credential that
// was tried.
func brief(text string) string {
	text = batch.Mask(text)                  // before it is cut
	if said := described(text); said != "" { // a chain ends with the first that Entra answers
		return batch.Printable(said)
	}
	if _, tried, ok := strings.Cut(text, attempted); ok {
		return chain(tried)
	}
	return ends(words(rules.ReplaceAllString(text, " ")), maxAlone)
}

// rules are the lines that azidentity draws between the parts of an answer, and
// what it says of one that a library before it has read.
var rules = regexp.MustCompile(`-{20,}|Response contained no body`)

func described(text string) string {
	m := description.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	var said string
	if json.Unmarshal([]byte(m[1]), &said) != nil {
		return ""
	}
	return strings.Join(strings.Fields(said), " ")
}

// chain shortens the error of a chain of credentials. Each begins a line with one
// tab; the lines between belong to the one before.
func chain(tried string) string {
	var parts []string
	for line := range strings.Lines(tried) {
		if one, ok := strings.CutPrefix(line, "\t"); ok && !strings.HasPrefix(one, "\t") {
			parts = append(parts, one)
		} else if len(parts) > 0 {
			parts[len(parts)-1] += line
		}
	}
	var b strings.Builder
	b.WriteString("none of the credentials gives one")
	for _, part := range parts {
		part = rules.ReplaceAllString(part, " ")
		b.WriteString("\n" + ends(words(part), maxPart))
	}
	return b.String()
}

// words is what is said on one line, without where azidentity sends everybody.
func words(text string) string {
	said, _, _ := strings.Cut(strings.Join(strings.Fields(text), " "), " To troubleshoot, visit ")
	return said
}

// How much may be said, in characters: by a credential of a chain, and by one alone.
const (
	maxPart  = 240
	maxAlone = 500
)

// ends is a text fit to be shown, whose middle is left out where it is too long: who
// speaks stands at its beginning, and what decides at its end, for errors wrap each other.
func ends(text string, most int) string {
	r := []rune(text)
	if len(r) <= most {
		return batch.Printable(text)
	}
	// Of a secret that is cut, or cut off from what announces it, as "client_secret =" does,
	// nothing may be left: it is within three words of the cut. All others are known.
	rest := len(r) - (most - most/3 - 3)
	head, tail := batch.Printable(string(r[:most/3])), strings.SplitN(batch.Printable(string(r[rest:])), " ", 4)
	if len(tail) < 4 {
		return batch.Printable(string(r[:most])) + "…"
	}
	if last := strings.LastIndexByte(head, ' '); last > 0 {
		head = head[:last]
	}
	return head + " … " + tail[3]
}

// Package answer explains an answer of Graph: it makes a row of the results log from it, and hints for a person.
package answer

import (
	"errors"
	"slices"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/token"
)

// ErrAllDenied ends a run that cannot succeed: all answers of Graph so far are 403, so the permission is missing.
var ErrAllDenied = errors.New("everything was denied by Graph")

// RowOfWrite converts the result of a write to a row with outcome, code, message and request ID.
func RowOfWrite(res batch.Result) results.Row {
	row := results.Row{Attempts: res.Attempts, RequestID: res.RequestID, Status: res.Response.Status}
	whole, refused := errors.AsType[*batch.StatusError](res.Err)
	if refused && row.Status == 0 {
		row.Status = whole.Status
	}
	if row.Status >= 300 {
		answer := whole
		if res.Response.Status > 0 {
			answer = res.Response.StatusError()
		}
		row.Code, row.Message = answer.Code, answer.Message
		if row.RequestID == "" {
			row.RequestID = answer.RequestID
		}
		if row.Status == 403 && needsClaims(answer) {
			row.Hint = token.HintClaims
		}
	}
	switch {
	case res.Stopped():
		row.Outcome = results.NotSent
		if res.Uncertain {
			row.Outcome = results.Unknown
		}
		if refused { // the error has the text of the answer
			row.Message = ""
		}
		row.Message = Join(row.Message, res.Err.Error())
	case errors.Is(res.Err, batch.ErrAttempts):
		row.Outcome = results.Failed
		if row.Status == 0 && res.Uncertain {
			row.Outcome = results.Unknown
		}
		row.Message = res.Err.Error()
	case row.Status == 403:
		row.Outcome = results.Denied
	case row.Status == 404 && res.Err == nil:
		row.Outcome = results.UnknownUser
	default:
		row.Outcome = results.Rejected
		if row.Status == 0 && res.Err != nil {
			row.Message = res.Err.Error()
		}
	}
	return row
}

// RowOfRead is RowOfWrite for a LIST. A failed read has no effect, so Unknown becomes Failed. err is why the answer
// cannot be used, nil if it can be. A success that cannot be used is Failed, too.
func RowOfRead(res batch.Result, err error) results.Row {
	row := RowOfWrite(res)
	switch {
	case res.Stopped():
		row.Outcome = results.NotSent
	case row.Outcome == results.Unknown:
		row.Outcome = results.Failed
	case res.Err == nil && row.Status < 300 && err != nil: // Graph refuses nothing, so another try may succeed
		row.Outcome = results.Failed
	}
	if err != nil && row.Message == "" {
		row.Message = err.Error()
	}
	return row
}

// Join joins the parts of a message that are not empty.
func Join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// needsClaims reports whether a 403 asks for a stronger sign-in. Graph sends it with a challenge.
// Source: learn.microsoft.com/entra/identity-platform/claims-challenge.
func needsClaims(answer *batch.StatusError) bool {
	if strings.EqualFold(answer.Code, "insufficient_claims") {
		return true
	}
	for _, challenge := range answer.Header.Values("WWW-Authenticate") {
		if strings.Contains(challenge, "insufficient_claims") {
			return true
		}
	}
	return false
}

package revoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/pass"
	"tapsweep/cmd/tapsweep/internal/results"
)

// startVerifySessions begins to verify that the sessions of a user are revoked, as a log says.
func (j *Job) startVerifySessions(item *Item) {
	c := &sessionCall{row: results.Row{Source: item.Source, Line: item.Line, User: item.User, UPN: item.UPN,
		Outcome: item.Sessions.Outcome, SentAt: item.Sessions.SentAt}}
	if c.row.Outcome == results.Revoked && !c.row.SentAt.IsZero() {
		j.verifySessions(c, 0)
		return
	}
	c.row.Outcome = results.Remains
	c.row.Message = fmt.Sprintf("the log says %s: there is no time to compare with", item.Sessions.Outcome)
	j.finishSessions(c, c.row)
}

// verifySessions begins to verify that the sessions of the user are revoked since the call.
func (j *Job) verifySessions(c *sessionCall, after time.Duration) {
	c.verification = verification{time.Now(), firstPause}
	j.lookAtSessions(c, after)
}

func (j *Job) lookAtSessions(c *sessionCall, after time.Duration) {
	c.then = (*Job).afterVerifySessions
	j.followUps = append(j.followUps, batch.Request{Method: "GET", URL: pass.ProofURL(c.row.User),
		Quota: pass.ProofQuota, Delay: after, Tag: c})
}

// hintGuest is the hint in rows about the sessions of a guest.
// Source: learn.microsoft.com/graph/api/user-revokesigninsessions.
const hintGuest = "the user is a guest: only the home tenant can revoke the sessions"

// isGuestName reports whether a user principal name belongs to a guest from another tenant.
// Source: learn.microsoft.com/entra/external-id/user-properties.
func isGuestName(name string) bool { return strings.Contains(strings.ToUpper(name), "#EXT#@") }

// afterVerifySessions handles the answer that should show that the sessions are revoked since the call.
func (j *Job) afterVerifySessions(c *sessionCall, res batch.Result) {
	row := c.row
	from, guest, err := readValidFrom(res)
	if guest {
		c.guest, row.Message = true, hintGuest
	}
	switch {
	case err != nil && j.opts.VerifyOnly:
		row = c.withUser(answer.RowOfRead(res))
		if row.Outcome == results.Rejected || row.Message == "" {
			row.Message = err.Error()
		}
		if row.Outcome == results.Denied {
			row.Hint = hintVerify
		}
	case res.Err == nil && res.Response.Status == 404:
		row.NoProof, row.Message = true, answer.Join(row.Message, notVerified, "the user was deleted meanwhile")
	case err != nil:
		row.Message = answer.Join(row.Message, notVerified, err.Error())
		c.unread = !res.Stopped() // the summary of a run that was stopped says so anyway
	case !from.Before(row.SentAt):
		row.Verified = true
		if j.opts.VerifyOnly {
			row.Status, row.Attempts, row.RequestID = res.Response.Status, res.Attempts, res.RequestID
		}
	case guest: // the value does not change for a guest
		row.NoProof, row.Message = true, answer.Join(row.Message, notVerified, tooOld(from, row.SentAt))
	default:
		if pause, ok := c.verification.next(j.opts.Verify); ok {
			j.lookAtSessions(c, pause)
			return
		}
		row.Outcome = results.Remains
		row.Message = answer.Join(row.Message, tooOld(from, row.SentAt))
	}
	j.finishSessions(c, row)
}

// hintVerify is the hint if the token may not read whether sessions are revoked.
// Source: learn.microsoft.com/graph/permissions-reference.
const hintVerify = "to verify sessions, the token needs the permission User.Read.All " +
	"(df021288-bdef-4463-88db-98f22de89214)"

// readValidFrom returns signInSessionsValidFromDateTime of a user, in whole seconds, and whether the user is a guest.
// The time is zero for a user whose sessions were never revoked.
func readValidFrom(res batch.Result) (from time.Time, guest bool, err error) {
	switch {
	case res.Err != nil:
		return from, false, res.Err
	case res.Response.Status != 200:
		return from, false, res.Response.StatusError()
	}
	var user struct {
		Type string          `json:"userType"`
		From json.RawMessage `json:"signInSessionsValidFromDateTime"` // nil if the answer lacks it
	}
	if err := json.Unmarshal(res.Response.Body, &user); err != nil {
		return from, false, fmt.Errorf("the answer of Graph (200) cannot be read: %w", err)
	}
	guest = strings.EqualFold(user.Type, "Guest")
	if user.From == nil {
		return from, guest, errors.New("the answer of Graph (200) lacks signInSessionsValidFromDateTime: " + hintVerify)
	}
	var text string
	if json.Unmarshal(user.From, &text) == nil && text != "" {
		from, err = time.Parse(time.RFC3339, text)
	}
	return from.UTC().Truncate(time.Second), guest, err
}

// tooOld returns the message for sessions that are valid since from, which is before the call. from is zero if
// sessions were never revoked.
func tooOld(from, sent time.Time) string {
	text := "Graph accepts sign-ins from before " + sent.UTC().Format(time.RFC3339) + ", when the call was sent"
	if !from.IsZero() {
		text += ": since " + from.Format(time.RFC3339)
	}
	return text
}

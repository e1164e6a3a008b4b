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
	s := sessionsOf(&item.Pair)
	row := results.Row{Outcome: item.Sessions.Outcome, SentAt: item.Sessions.SentAt}
	switch {
	case row.Outcome == results.Revoked && !row.SentAt.IsZero():
		j.verify(s, row)
		return
	case row.Outcome == results.Guest:
		row.Message = hintGuest
	case row.Outcome == results.NotSent, row.Outcome == results.UnknownUser:
		row.Message = fmt.Sprintf("the log says %s: there is no call to verify", row.Outcome)
	case row.Outcome == results.Rejected, row.Outcome == results.Invalid:
		row.Message = fmt.Sprintf("the log says %s: there is no call to verify", row.Outcome)
		row.Outcome = results.NotSent
	default:
		row.Message = fmt.Sprintf("the log says %s: there is no time to compare with", row.Outcome)
		row.Outcome = results.Remains
	}
	j.writeLastRow(s, row)
}

// afterVerifySessions handles the answer that should show that the sessions are revoked since the call.
func (j *Job) afterVerifySessions(s *subject, res batch.Result) {
	from, guest, err := readValidFrom(res)
	row, sent := *s.last, s.last.SentAt
	switch {
	case res.Err == nil && res.Response.Status == 404 && !j.opts.VerifyOnly:
		row.NoProof, row.Message = true, answer.Join(row.Message, notVerified, "the user was deleted meanwhile")
	case err != nil:
		row = j.unverified(s, res, err)
		row.SentAt = sent
		if row.Outcome == results.Denied {
			row.Hint = hintVerify
		}
	case !from.Before(sent):
		row = j.verified(s, res)
	case j.lookAgain(s):
		return
	case guest: // of another tenant: the call changes the time of a guest of this tenant
		row = j.verified(s, res)
		row.Outcome, row.Message, row.Verified = results.Guest, hintGuest, false
	default:
		row.Outcome, row.Message = results.Remains, answer.Join(row.Message, tooOld(from, sent))
	}
	j.writeLastRow(s, row)
}

// hintVerify is the hint if the token may not read whether sessions are revoked.
// Source: learn.microsoft.com/graph/permissions-reference.
const hintVerify = "to verify sessions, the token needs the permission User.Read.All " +
	"(df021288-bdef-4463-88db-98f22de89214)"

// readValidFrom returns signInSessionsValidFromDateTime of a user, in whole seconds, and whether the user is a guest.
// The time is zero for a user whose sessions were never revoked. The call changes it for a guest of this tenant, but
// not for a guest from another one.
func readValidFrom(res batch.Result) (from time.Time, guest bool, err error) {
	var user struct {
		Type string          `json:"userType"`
		From json.RawMessage `json:"signInSessionsValidFromDateTime"` // nil if the answer lacks it
	}
	if err := pass.Decode(res, "the user", &user); err != nil {
		return from, false, err
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

// Package results writes and reads the results log: JSON Lines with what became of each pass. The
// log is report, checkpoint and input at once, and this package has the only code that reads it.
//
// [Read] yields its lines as Records: a run, rows, waits, users without a find, and an end. A log
// without its end is of a run that was killed, and may end in the middle of a line. A [Condition]
// says whether lines are missing. A [State] is what the rows say in the end: the last word on each
// [Key]. From it are made what a run that resumes leaves out ([Resume]) and what is left to do if
// the log is used as a list ([Lists]). [ReadUsers] has whom verify looks at.
//
// The same rules count for all of them:
//
//	record                              key                   supersedes                       done
//	run, wait, end                      -                     -                                -
//	result: revoked, absent             user and pass         the row of the key               yes
//	  planned, found                    user and pass         the row of the key               yes; as a list, no
//	  replaced                          user and pass         the row of the key               no; tried again for any pass
//	  unknown_user, rejected            user and pass         the row of the key               no; not tried again
//	  denied, failed, unknown, remains  user and pass         the row of the key               no
//	  not_sent                          user and pass         the row of the key (1)           no
//	  protected                         user and pass         the row of the key (1)           if still protected
//	  duplicate, invalid                the line of the list  the row of the line              yes
//	  of a scan, without a method       the user's passes     the row of the key               no
//	  with anyPass                      user, any pass        the row of the key               by its outcome
//	  with inPlaceOf                    user and that pass    the row of the key               by its outcome
//	  with pending, found               user and pass         the row of the key               no; announced
//	  with beside                       none                  the announcement of its pass     -
//	  about sessions                    the user's sessions   the row of the key               by its outcome (2)
//	scanned                             its users' passes     a scan that could not list them  yes
//
// (1) In a report of several logs, it supersedes no row that says that the pass is gone.
// (2) As a list, it counts only for a run that revokes sessions.
//
// A user and a pass are compared without case. An end without "stopped" makes a resumed sweep or scan
// begin anew.
package results

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// An Outcome is what became of a pair.
type Outcome string

// The outcomes. The page results of the manual explains them.
const (
	Revoked     Outcome = "revoked"      // deleted, or gone after an attempt whose answer was lost
	Absent      Outcome = "absent"       // the user holds no pass
	Remains     Outcome = "remains"      // deleted, but a LIST still shows a pass
	Replaced    Outcome = "replaced"     // that pass is gone, but the user holds another one
	UnknownUser Outcome = "unknown_user" // the tenant has no such user
	Denied      Outcome = "denied"       // 403
	Rejected    Outcome = "rejected"     // another answer that no repetition changes
	Failed      Outcome = "failed"       // an error answer, to the last attempt too
	Unknown     Outcome = "unknown"      // sent, and the answer was lost
	NotSent     Outcome = "not_sent"     // the run stopped before
	Protected   Outcome = "protected"    // the user is on a --protect list
	Invalid     Outcome = "invalid"      // the row was refused, see --skip-invalid
	Duplicate   Outcome = "duplicate"    // an earlier row names the same pass
	Planned     Outcome = "planned"      // a dry run: this pass would be revoked
	Found       Outcome = "found"        // a scan found this pass, and nothing has deleted it yet
)

// Outcomes lists all outcomes in the order of the summary.
var Outcomes = []Outcome{Revoked, Absent, Planned, Found, Duplicate, Remains, Replaced, UnknownUser, Denied,
	Rejected, Failed, Unknown, NotSent, Protected, Invalid}

// A meaning is what an outcome says about a pair.
type meaning struct {
	done      bool   // nothing is left to do
	retryable bool   // a resumed run tries the pair again
	text      string // what became of it, and what is left to do; the page results has the same texts
}

var meanings = map[Outcome]meaning{
	Revoked:     {true, false, "the pass was deleted, or was gone after a lost answer"},
	Absent:      {true, false, "the user holds no pass"},
	Planned:     {true, false, "dry run: this pass would be deleted"},
	Found:       {true, false, "the user holds this pass; the run did not delete it"},
	Duplicate:   {true, false, "an earlier row names the same pass"},
	Remains:     {false, true, "the user still holds a pass; the row names it"},
	Replaced:    {false, false, "the user holds another pass; list the user alone to revoke it"},
	UnknownUser: {false, false, "no such user in this tenant; check the name, or use the object id"},
	Denied:      {false, true, "Graph answers 403"},
	Rejected:    {false, false, "Graph refuses the request itself; the message is in the results log"},
	Failed:      {false, true, "every attempt failed; try again later"},
	Unknown:     {false, true, "sent, and no answer came; another run finds out"},
	NotSent:     {false, true, "the run stopped before it was sent"},
	Protected: {false, true,
		"on a --protect list; to revoke them anyway, run a separate list of them without --protect"},
	Invalid: {false, false, "not a user and a pass; fix the rows and run them again"},
}

// Done reports whether nothing is left to do.
func (o Outcome) Done() bool { return meanings[o].done }

// Left reports whether something is left to do. Nothing is left if the pair is done, or if
// its user is protected, because that pass is kept on purpose.
func (o Outcome) Left() bool { return !o.Done() && o != Protected }

// Retryable reports whether a resumed run tries the pair again, unless it would only find the
// same: see ResumeOptions.
func (o Outcome) Retryable() bool { return meanings[o].retryable }

// Meaning says in one line what the outcome means and, where something is left to do, what to
// do. It is empty for an outcome of another version.
func (o Outcome) Meaning() string { return meanings[o].text }

// A Run is the first line of a log.
type Run struct {
	Type      string    `json:"type"` // "run"
	Version   string    `json:"version"`
	Command   []string  `json:"command"`             // arguments; tapsweep takes no secrets there
	Digest    string    `json:"digest"`              // of the list, see input.List.Digest
	Tenant    string    `json:"tenant"`              // the token's, or as configured, or empty
	Domain    string    `json:"domain,omitempty"`    // of the tenant, if it is known
	Operator  string    `json:"operator,omitempty"`  // whose token it is, if the token says so
	DeletedBy []string  `json:"deletedBy,omitempty"` // of a run that verifies, the operators of the logs
	Self      string    `json:"self,omitempty"`      // id of the signed-in user, if rows mean that one
	GraphRoot string    `json:"graphRoot"`
	DryRun    bool      `json:"dryRun,omitempty"`
	Verify    bool      `json:"verify,omitempty"`    // each pass is verified to be gone
	AnyPass   bool      `json:"anyPass,omitempty"`   // each row of the list means any pass of its user
	Sessions  bool      `json:"sessions,omitempty"`  // the users' sessions are revoked as well
	Simulated bool      `json:"simulated,omitempty"` // the tenant was simulated, and is gone
	Resume    []string  `json:"resume,omitempty"`    // the command that resumes the run, see ResumeWith
	Revoke    []string  `json:"revoke,omitempty"`    // the flags of the command of RevokeWith
	Pairs     int       `json:"pairs"`               // rows of the list
	Start     time.Time `json:"start"`
	Lines     int       `json:"lines,omitempty"` // how many lines of the log come before; Log.Write sets it
}

// Elsewhere returns an error if the run was in another tenant or at another Graph root. An empty
// tenant is one that is not known, and differs from every known one.
func (r *Run) Elsewhere(tenant, graphRoot string) error {
	named := func(s string) string { return safetext.Printable(cmp.Or(s, "(not known)")) }
	switch {
	case !strings.EqualFold(r.Tenant, tenant):
		return fmt.Errorf("it is the log of tenant %s, not %s", named(r.Tenant), named(tenant))
	case r.GraphRoot != graphRoot:
		return fmt.Errorf("it is a log of %s, not %s", named(r.GraphRoot), named(graphRoot))
	}
	return nil
}

// A Row is what became of one pair. The keys and their order are fixed.
type Row struct {
	Type              string    `json:"type"`             // "result"
	Action            Action    `json:"action,omitempty"` // RevokeSessions, or empty for a row about a pass
	Line              int       `json:"line"`
	Column            int       `json:"column,omitempty"` // of the line, where other rows start before
	Source            string    `json:"source"`
	User              string    `json:"user"`
	Method            string    `json:"method"`
	UPN               string    `json:"userPrincipalName,omitempty"` // beside an object id in User
	AnyPass           bool      `json:"anyPass,omitempty"`           // the row names no pass, and means any
	Outcome           Outcome   `json:"outcome"`
	Status            int       `json:"status"` // of the answer that decided, 0 if none did
	Code              string    `json:"code"`   // Graph's error code
	Message           string    `json:"message"`
	Attempts          int       `json:"attempts"`  // how often the deciding request was sent; 429 does not count
	RequestID         string    `json:"requestId"` // Graph's, for Microsoft's support
	Time              time.Time `json:"time"`
	Hint              string    `json:"hint,omitempty"`      // what a denial can mean, and what to do
	Reason            string    `json:"reason,omitempty"`    // why the pass could be used or not, such as expired
	Verified          bool      `json:"verified,omitempty"`  // a LIST afterwards shows no pass
	Provisional       bool      `json:"pending,omitempty"`   // it is being verified, and another row follows
	SupersedesPending Outcome   `json:"-"`                   // the outcome of the pending row that it follows
	InPlaceOf         string    `json:"inPlaceOf,omitempty"` // the pass of the pair, if the row is about another

	// Beside marks a row about one of several passes that were deleted for a pair that names
	// no pass. The row does not complete the pair; another row counts for it.
	Beside bool `json:"beside,omitempty"`

	// Of a pass that a scan has found, as far as Graph says.
	Created    time.Time `json:"created,omitzero"`
	Start      time.Time `json:"start,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	UsableOnce bool      `json:"usableOnce,omitempty"`

	// Of a pass that a scan of the audit log has found, as far as a record says.
	input.Creation

	// SentAt is when the call was sent that revoked the sessions, by Graph's clock and not later
	// than in truth, in whole seconds. Sign-ins before it count no more.
	SentAt time.Time `json:"sentAt,omitzero"`

	// NoProof is set if Graph can never show that the sessions are revoked: the user is a guest, or
	// was deleted since.
	NoProof bool `json:"noProof,omitempty"`
}

// Scanned names users whose passes were listed, and who hold none of those that the scan looks
// for. A scan that resumes leaves these users out.
type Scanned struct {
	Type  string   `json:"type"` // "scanned"
	Users []string `json:"users"`
}

// A Wait is a time in which no request of a quota goes, because the tenant has
// refused some with 429, or with 503 as a whole batch.
type Wait struct {
	Type    string    `json:"type"` // "wait"
	Time    time.Time `json:"time"` // when the wait began
	Until   time.Time `json:"until"`
	Refused int       `json:"refused"` // requests since the Wait before
	Quota   string    `json:"quota"`   // such as "write", or NoConnection
}

// NoConnection stands for a quota in a Wait that was none of the tenant's: for so long
// there was no connection.
const NoConnection = "no connection"

// An End is the last line of a log.
type End struct {
	Type     string          `json:"type"` // "end"
	Counts   map[Outcome]int `json:"counts"`
	Sessions map[Outcome]int `json:"sessions,omitempty"` // the rows about sessions, which are not in Counts
	Stopped  string          `json:"stopped,omitempty"`  // why the run stopped early
	Exit     int             `json:"exit"`
	End      time.Time       `json:"end"`
	Lines    int             `json:"lines"` // how many lines of the log come before; Log.Write sets it
}

// isIntent reports whether the row is about a delete that is not sent yet.
func (r *Row) isIntent() bool { return r.Provisional && r.Outcome == Found }

// clean makes server text safe to store and show.
func (r *Row) clean() {
	r.Type = "result"
	for _, text := range []*string{&r.Code, &r.Message, &r.RequestID, &r.Creation.By, &r.AuditID, &r.Match} {
		*text = safetext.Printable(*text)
	}
	r.Time = r.Time.UTC().Round(time.Millisecond)
}

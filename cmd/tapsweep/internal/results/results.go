// Package results writes and reads the results log: JSON Lines with the outcome of each pass. The log is a
// report, a checkpoint and a list. Only this package reads it.
//
// [Read] yields the lines of a log as Records: a run, rows, waits, scanned users and an end. If a run was killed,
// its log has no end, and its last line may be incomplete. A [Condition] records whether lines are missing. A
// [State] finds the last row of each [Key]. [Resume] uses it to find the rows that a resumed run skips, and
// [Lists] uses it to find the passes that are left if the log is used as a list. [ReadUsers] returns Lists with the
// users that verify checks.
//
// All of them use the same rules. Done means that a resumed run skips what the row is about:
//
//	record                              key                   supersedes                       done
//	run, wait, end                      -                     -                                -
//	result: revoked, absent             user and pass         the row of the key               yes (2)
//	  planned, found                    user and pass         the row of the key               yes; as a list, no
//	  replaced                          user and pass         the row of the key               no (3)
//	  unknown_user, rejected            user and pass         the row of the key               no; not tried again
//	  denied, failed, unknown, remains  user and pass         the row of the key               no
//	  not_sent                          user and pass         the row of the key (1)           no
//	  protected                         user and pass         the row of the key (1)           if still protected
//	  duplicate                         the line of the list  the row of the line              yes
//	  invalid                           the line of the list  the row of the line              yes; as a list, no
//	  of a scan, without a method       the user's passes     the row of the key               no
//	  with anyPass                      user, any pass        the row of the key               by its outcome
//	  with inPlaceOf                    user and that pass    the row of the key               by its outcome (3)
//	  with pending, found               user and pass         the row of the key               no; announced
//	  with beside                       none                  the announcement of its pass     -
//	  about sessions                    the user's sessions   the row of the key               by its outcome (4)
//	  guest                             the user's sessions   the row of the key               yes
//	scanned                             its users' passes     a scan that could not list them  yes
//
// (1) In a report of several logs, it does not supersede a row which shows that the pass is gone. A not_sent row about
// sessions does not supersede a row of another log which shows that they are revoked.
// (2) A run that verifies checks it again if it is not verified.
// (3) A resumed run tries these again only if it means any pass: replaced, and remains with inPlaceOf.
// (4) If the log is used as a list, it counts only for a run that revokes sessions.
//
// If a run revokes sessions, those of a user are not_sent from the first row about a pass of the user. A line of a
// list is known by the position of the list in its run, because a resumed run may start in another directory.
//
// If several logs are used as lists, a row does not supersede a row of another log that was written later.
//
// If the scan of a run is complete (see [Header.ScanComplete]), passes that earlier runs of the log left, and that this
// run has no row about, no longer count. The same is true of users who could not be scanned (see [Row.Lapses]).
//
// Users and passes are compared without case. If the end has no "stopped", a resumed sweep or scan starts from
// the beginning.
package results

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// An Outcome is the result for a pair.
type Outcome string

// The outcomes. The page results of the manual explains them.
const (
	Revoked     Outcome = "revoked"      // deleted, or gone after an attempt whose answer was lost
	Absent      Outcome = "absent"       // the user has no pass
	Remains     Outcome = "remains"      // deleted, but a LIST still shows a pass
	Replaced    Outcome = "replaced"     // that pass is gone, but the user holds another one
	UnknownUser Outcome = "unknown_user" // the tenant has no such user
	Denied      Outcome = "denied"       // Graph answers 403
	Rejected    Outcome = "rejected"     // another answer that a retry does not change
	Failed      Outcome = "failed"       // every attempt failed
	Unknown     Outcome = "unknown"      // sent, and the answer was lost
	NotSent     Outcome = "not_sent"     // the run stopped before it was sent
	Protected   Outcome = "protected"    // the user is on a --protect list
	Invalid     Outcome = "invalid"      // the row is invalid, and was left out by --skip-invalid
	Guest       Outcome = "guest"        // of sessions: only the home tenant of the user can revoke them
	Duplicate   Outcome = "duplicate"    // an earlier row names the same pass
	Planned     Outcome = "planned"      // dry run: this pass would be deleted
	Found       Outcome = "found"        // a scan found this pass, and nothing has deleted it yet
)

// Outcomes lists all outcomes in the order of the summary.
var Outcomes = []Outcome{Revoked, Absent, Planned, Found, Duplicate, Remains, Replaced, UnknownUser, Denied,
	Rejected, Failed, Unknown, NotSent, Protected, Invalid, Guest}

type meaning struct {
	done      bool   // nothing is left to do
	retryable bool   // a resumed run tries the pair again
	text      string // what happened, and what to do; the page results of the manual has the same texts
}

var meanings = map[Outcome]meaning{
	Revoked:     {true, false, "the pass was deleted, or was gone after a lost answer"},
	Absent:      {true, false, "the user has no pass"},
	Planned:     {true, false, "dry run: this pass would be deleted"},
	Found:       {true, false, "the user has this pass; the run did not delete it"},
	Duplicate:   {true, false, "an earlier row names the same pass"},
	Remains:     {false, true, "the user still has a pass; the row names it"},
	Replaced:    {false, false, "the user has another pass; a run with --any-pass deletes it"},
	UnknownUser: {false, false, "no such user in this tenant; check the name, or use the object ID"},
	Denied:      {false, true, "Graph answers 403"},
	Rejected:    {false, false, "Graph refuses the request itself; the message is in the results log"},
	Failed:      {false, true, "every attempt failed; try again later"},
	Unknown:     {false, true, "no response came; resume to check"},
	NotSent:     {false, true, "the run stopped before these were sent"},
	Protected: {false, true,
		"on a --protect list; to revoke them anyway, run a separate list of them without --protect"},
	Invalid: {false, false, "the row has no valid user or pass ID; fix it and run it again"},
	Guest:   {false, false, "the user is a guest: only the home tenant can revoke the sessions"},
}

// Done reports whether nothing is left to do.
func (o Outcome) Done() bool { return meanings[o].done }

// Left reports whether something is left to do. Nothing is left if the pair is done, or if its user is protected or
// a guest.
func (o Outcome) Left() bool { return !o.Done() && o != Protected && o != Guest }

// Retryable reports whether a resumed run tries the pair again. ResumeOptions and Row.Retryable have exceptions.
func (o Outcome) Retryable() bool { return meanings[o].retryable }

// Meaning returns in one line what the outcome means and what to do about it. It is empty for an outcome that
// this version does not know.
func (o Outcome) Meaning() string { return meanings[o].text }

// A Header is the first line of a log, which describes a run.
type Header struct {
	Type      string    `json:"type"` // "run"
	Version   string    `json:"version"`
	Command   []string  `json:"command"`             // the arguments, which are never secrets
	Digest    string    `json:"digest"`              // the digest of the list, see input.List.Digest
	Tenant    string    `json:"tenant"`              // from the token, else as configured; may be empty
	Domain    string    `json:"domain,omitempty"`    // the domain of the tenant, if it is known
	Operator  string    `json:"operator,omitempty"`  // who was signed in, if the token shows it
	DeletedBy []string  `json:"deletedBy,omitempty"` // for verify: the operators of the logs
	Self      string    `json:"self,omitempty"`      // the ID of the signed-in user, for --self
	GraphRoot string    `json:"graphRoot"`
	DryRun    bool      `json:"dryRun,omitempty"`
	Verify    bool      `json:"verify,omitempty"`    // the run verifies that each pass is gone
	AnyPass   bool      `json:"anyPass,omitempty"`   // each row of the list means any pass of its user
	Sessions  bool      `json:"sessions,omitempty"`  // the run also revokes the sessions of the users
	Simulated bool      `json:"simulated,omitempty"` // the tenant was simulated, and no longer exists
	Since     time.Time `json:"since,omitzero"`      // the earliest creation time of passes to find; zero is any
	Pairs     int       `json:"pairs"`               // the number of rows of the list

	ProtectFlags []string     `json:"protectFlags,omitempty"` // for verify: the --protect flags of the logs
	Lists        []input.File `json:"lists,omitempty"`        // the lists of the run
	Protect      []input.File `json:"protect,omitempty"`      // the lists of protected users
	Start        time.Time    `json:"start"`
	Lines        int          `json:"lines,omitempty"` // the number of lines before this one; Log.Write sets it

	// Own is set for the run of this process. Its commands have all its flags. Those of a log that was read lack the
	// SignInFlags and --yes.
	Own bool `json:"-"`
}

// Elsewhere returns an error if the run was in another tenant or at another Graph root. An empty tenant is not
// known, and differs from every known tenant.
func (r *Header) Elsewhere(tenant, graphRoot string) error {
	named := func(s string) string { return safetext.Printable(cmp.Or(s, "(not known)")) }
	switch {
	case !strings.EqualFold(r.Tenant, tenant):
		return fmt.Errorf("it is the log of tenant %s, not %s", named(r.Tenant), named(tenant))
	case r.GraphRoot != graphRoot:
		return fmt.Errorf("it is a log of %s, not %s", named(r.GraphRoot), named(graphRoot))
	}
	return nil
}

// A Row is the result for one pair. The JSON keys and their order are fixed.
type Row struct {
	Type              string    `json:"type"`             // "result"
	Action            Action    `json:"action,omitempty"` // RevokeSessions, or empty for a row about a pass
	Line              int       `json:"line"`
	Column            int       `json:"column,omitempty"` // where the row starts in its line; 0 if it is the first
	Source            string    `json:"source"`
	User              string    `json:"user"`
	Method            string    `json:"method"`
	UPN               string    `json:"userPrincipalName,omitempty"` // if the list has both names of the user
	AnyPass           bool      `json:"anyPass,omitempty"`           // the list names no pass
	Outcome           Outcome   `json:"outcome"`
	Status            int       `json:"status"` // the status of the answer that decided, 0 if there was none
	Code              string    `json:"code"`   // the error code of Graph
	Message           string    `json:"message"`
	Attempts          int       `json:"attempts"`  // how often the deciding request was sent; 429 does not count
	RequestID         string    `json:"requestId"` // the request ID of Graph, for the support of Microsoft
	Time              time.Time `json:"time"`
	Hint              string    `json:"hint,omitempty"`      // what a denial can mean, and what to do about it
	Reason            string    `json:"reason,omitempty"`    // the state of the pass, such as expired or usable
	Verified          bool      `json:"verified,omitempty"`  // a later LIST shows no pass
	Provisional       bool      `json:"pending,omitempty"`   // another row about the pass follows
	SupersedesPending bool      `json:"-"`                   // a provisional row of this run is before this one
	InPlaceOf         string    `json:"inPlaceOf,omitempty"` // the pass of the pair, if the row is about another pass

	// Beside marks a row about one of several passes that were deleted for a pair that names
	// no pass. The row does not complete the pair; another row counts for it.
	Beside bool `json:"beside,omitempty"`

	// The properties in Graph of a pass that a scan found.
	Created    time.Time `json:"created,omitzero"`
	Start      time.Time `json:"start,omitzero"`
	Expires    time.Time `json:"expires,omitzero"`
	UsableOnce bool      `json:"usableOnce,omitempty"`

	// The creator of a pass, from an audit record.
	input.Creation

	// SentAt is when the call that revoked the sessions was sent, by the clock of Graph, rounded down to a
	// second. Sessions that began earlier are revoked.
	SentAt time.Time `json:"sentAt,omitzero"`

	// NoProof is set if Graph can never show that the sessions are revoked, because the user has been deleted.
	NoProof bool `json:"noProof,omitempty"`
}

// Scanned has users whose passes were listed, and who have no pass that the scan looks for. A resumed scan skips
// these users.
type Scanned struct {
	Type  string   `json:"type"` // "scanned"
	Users []string `json:"users"`
}

// A Wait is a time in which no request of a quota is sent, because the tenant refused requests with 429, or a
// whole batch with 503.
type Wait struct {
	Type    string    `json:"type"` // "wait"
	Time    time.Time `json:"time"` // when the wait began
	Until   time.Time `json:"until"`
	Refused int       `json:"refused"` // refused requests since the previous Wait
	Quota   string    `json:"quota"`   // such as "write", or NoConnection
}

// NoConnection is the Quota of a Wait during which there was no connection.
const NoConnection = "no connection"

// An End is the last line of a log.
type End struct {
	Type     string          `json:"type"` // "end"
	Counts   map[Outcome]int `json:"counts"`
	Sessions map[Outcome]int `json:"sessions,omitempty"` // the rows about sessions; Counts does not include them
	Stopped  string          `json:"stopped,omitempty"`  // why the run stopped early
	Scanned  bool            `json:"scanned,omitempty"`  // see Header.ScanComplete
	Exit     int             `json:"exit"`
	End      time.Time       `json:"end"`
	Lines    int             `json:"lines"` // the number of lines before this one; Log.Write sets it
}

// clean makes text from the service safe to store and show.
func (r *Row) clean() {
	r.Type = "result"
	for _, text := range []*string{&r.Code, &r.Message, &r.RequestID, &r.Creation.By, &r.AuditID, &r.Match} {
		*text = safetext.Printable(*text)
	}
	r.Time = r.Time.UTC().Round(time.Millisecond)
}

package results

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tapsweep/input"
)

// An Action is what a row records.
type Action string

// The actions.
const (
	DeletePass Action = "pass" // a pass is deleted, found or verified
	ListPasses Action = "list" // the passes of a user are listed, by a scan or sweep

	RevokeSessions Action = "revokeSessions" // the sessions of a user are revoked or verified
)

// A Key identifies what a row is about. All readers of a log use it. User and Method are in lower case,
// because Graph ignores case in both. An empty Method means any pass of the user. Only keys of DeletePass have
// a Method.
type Key struct {
	Action       Action
	User, Method string
}

// passKey returns the key of a pass of a user, or of any pass if method is empty.
func passKey(user, method string) Key {
	return Key{DeletePass, strings.ToLower(user), strings.ToLower(method)}
}

// listKey returns the key for the request that lists the passes of a user.
func listKey(user string) Key { return Key{ListPasses, strings.ToLower(user), ""} }

func sessionsKey(user string) Key { return Key{RevokeSessions, strings.ToLower(user), ""} }

// Key returns the key of the row: the pass that the list names, even if the user has another pass in its place.
// ok is false for a row that is only about a line of a list: a duplicate or an invalid row.
func (r *Row) Key() (key Key, ok bool) {
	switch {
	case r.Outcome == Duplicate, r.isInvalidLine():
		return Key{}, false
	case r.Action == RevokeSessions:
		return sessionsKey(r.User), true
	case r.FromScan() && r.Method == "":
		return listKey(r.User), true
	case r.AnyPass: // the list names no pass; Method is the pass that the user had
		return passKey(r.User, ""), true
	}
	return passKey(r.User, cmp.Or(r.InPlaceOf, r.Method)), true
}

// LineOf identifies the line of a list that a row is about, and its user, among the rows of all runs of the log. The
// list is its position in the run, because lists in different directories may have one name, and a resumed run may
// start in another directory. In a log of an older version, whose runs name no lists, it is the base name.
func (r *Header) LineOf(row *Row) string {
	list := filepath.Base(row.Source)
	if i := slices.IndexFunc(r.Lists, func(f input.File) bool { return f.Name == row.Source }); i >= 0 {
		list = strconv.Itoa(i)
	}
	place := []string{list, strconv.Itoa(row.Line), strconv.Itoa(row.Column), strings.ToLower(row.User)}
	return strings.Join(place, "\x00")
}

// isInvalidLine reports whether the row is about an invalid line of a list. Sessions can also be invalid, but their row
// is about a user.
func (r *Row) isInvalidLine() bool { return r.Outcome == Invalid && r.Action != RevokeSessions }

// Result returns the outcome of the row if it is the last one of its key. A row that announces a delete may be the last
// row of a pass that was deleted.
func (r *Row) Result() Outcome {
	if r.Provisional && r.Outcome == Found {
		return Unknown
	}
	return r.Outcome
}

// Retryable reports whether a resumed run tries the row again. A scan always lists again the passes that it could not
// list.
func (r *Row) Retryable() bool {
	key, _ := r.Key()
	return key.Action == ListPasses || r.Outcome.Retryable()
}

// Lapses reports whether the row no longer counts when a later run of the log has a complete scan and no row about the
// same. The pass is gone then, or its user has left the scope of the scan.
func (r *Row) Lapses() bool {
	key, _ := r.Key()
	o := r.Result()
	return r.FromScan() && r.Action != RevokeSessions && o.Left() && (key.Action == ListPasses || o.Retryable())
}

// ScanComplete reports whether the scan of a run was complete, and the log has rows about all passes that it found. A
// sweep that is refused, or not confirmed, has no such rows. Logs of older versions only show it if the run did not
// stop early.
func (r *Header) ScanComplete(end *End) bool {
	return (r.Kind() == "scan" || r.Kind() == "sweep") && (end.Scanned || end.Stopped == "")
}

// ScanSource is the source of rows that come from a scan instead of a list. Their line is 0, because a scan
// finds users in any order.
const ScanSource = "scan"

// FromScan reports whether the row comes from a scan, and not from a list whose name is "scan".
func (r *Row) FromScan() bool { return r.Source == ScanSource && r.Line == 0 }

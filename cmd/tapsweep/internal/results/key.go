package results

import (
	"cmp"
	"strings"

	"tapsweep/input"
)

// An Action is what a run does with what a Key names.
type Action string

// The actions.
const (
	DeletePass Action = "pass" // a pass is deleted, found or verified
	ListPasses Action = "list" // the passes of a user are listed, by a scan or sweep

	RevokeSessions Action = "revokeSessions" // the sessions of a user are revoked, or that is verified
)

// A Key is what a row is about: the identity that all readers of a log share. User and Method
// are in lower case, because Graph compares both without case. An empty Method means any pass
// of the user. Only DeletePass has a Method.
type Key struct {
	Action       Action
	User, Method string
}

// passKey returns the key of a pass of a user, or of any pass if method is empty.
func passKey(user, method string) Key {
	return Key{DeletePass, strings.ToLower(user), strings.ToLower(method)}
}

// listKey returns the key of the list of a user's passes.
func listKey(user string) Key { return Key{ListPasses, strings.ToLower(user), ""} }

// sessionsKey returns the key of a user's sessions.
func sessionsKey(user string) Key { return Key{RevokeSessions, strings.ToLower(user), ""} }

// Key returns what the row is about: the pass that the list names, even if the row is about
// another one that the user had in its place. ok is false for a row that is about a line of a
// list and no more: a repeat, or a row that was refused.
func (r *Row) Key() (key Key, ok bool) {
	switch {
	case r.Outcome == Duplicate, r.Outcome == Invalid:
		return Key{}, false
	case r.Action == RevokeSessions:
		return sessionsKey(r.User), true
	case r.FromScan() && r.Method == "":
		return listKey(r.User), true
	case r.AnyPass: // Method is the pass that the user had
		return passKey(r.User, ""), true
	}
	return passKey(r.User, cmp.Or(r.InPlaceOf, r.Method)), true
}

// ScanSource is the source of rows that come from a scan in place of a list. Their line is 0,
// because users come in any order.
const ScanSource = "scan"

// FromScan reports whether the row is of a scan, and not of a list that happens to be called so.
func (r *Row) FromScan() bool { return r.Source == ScanSource && r.Line == 0 }

// fromScan is like Row.FromScan.
func fromScan(p *input.Pair) bool { return p.Source == ScanSource && p.Line == 0 }

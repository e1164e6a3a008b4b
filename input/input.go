// Package input turns lists of users and passes, as people have them, into
// pairs with positions.
//
// A pair names a user and, usually, one Temporary Access Pass of that user. A
// pair without a pass id means whatever pass the user holds, which is a much
// wider order; so everything here prefers refusing a row to guessing that its
// pass id is missing. Lists come as CSV (Excel, PowerShell, by hand), as JSON (an
// array, answers of Microsoft Graph, objects one after another) or as JSON
// Lines. A [Reader] adds other forms.
//
// A list is read twice. [Open] checks every row and finds the repeats before
// anything is done with the first one; [List.Pairs] reads again and hands the
// pairs out, and stops if it meets one that Open did not see. Rows are never
// kept: memory grows by what is needed to recognise a repeat, not by the list.
package input

import (
	"io"
	"strconv"
)

// A Pair is one row of a list: a user, and which pass of that user.
type Pair struct {
	// Source is the list's name as it was given to Open, "stdin" for "-".
	Source string

	// Line is the line on which the row starts, counted from 1.
	Line int

	// Column is where the row starts in that line, in bytes of UTF-8 counted from 1, if
	// another one comes before it there, as in JSON on one line. It is 0 for the first row
	// of a line.
	Column int

	// User is an object id or a user principal name as written, without the
	// spaces around it, or Me if Options.Self is set.
	User string

	// UPN is the user principal name if the row gives one in addition to the object ID in
	// User, and empty otherwise. It is shown to people, who do not know object IDs. It may
	// be out of date.
	UPN string

	// Method is the id of the pass as written. Empty means whatever pass this
	// user holds.
	Method string

	// Err tells why the row was refused. Only Options.SkipInvalid lets such
	// pairs through; User and Method are then for display alone, made
	// printable and cut to 100 characters.
	Err error

	// FirstOf is set when the pair repeats an earlier one, and says where that is.
	FirstOf *Pos
}

// A Pos is a place in a list.
type Pos struct {
	Source string
	Line   int
}

// Place is where the pair stands, such as list.csv:7 or, of JSON on one line,
// list.json:1:93.
func (p *Pair) Place() string {
	place := p.Source + ":" + strconv.Itoa(p.Line)
	if p.Column > 0 {
		place += ":" + strconv.Itoa(p.Column)
	}
	return place
}

// Options say how lists are read. The zero value is ready to use.
type Options struct {
	// Format is one of Formats, for every list. Empty goes by the
	// extension, then by the first character.
	Format string

	// SkipInvalid lets Open succeed although rows were refused. What makes the
	// rest of a list unreadable, such as broken JSON, stays an error.
	SkipInvalid bool

	// Reader reads lists in forms that this package does not know, such as a program's own
	// results. It is asked first. Nil knows none.
	Reader Reader

	// Users are users given without a list, by object ID or user principal name. Open reads
	// them as one more list, before the others; any pass of these users is meant. The
	// source of that list is NamedSource.
	Users []string

	// Self makes Open return a List of one pair: any pass of the user who is signed in, whom
	// the pair calls Me. The source is SelfSource. Open then takes no lists and no Users.
	Self bool

	// Stdin is read for the name "-". Nil is os.Stdin.
	Stdin io.Reader

	// TempDir is where a list that can be read only once is kept until Close.
	// Empty is the system's directory.
	TempDir string
}

// Stats count what Open found. Rows is the sum of Unique, Duplicates and Invalid.
type Stats struct {
	Rows       int // every row, without headers and empty lines
	Unique     int // pairs that differ from all before
	Duplicates int // repeats of an earlier pair
	Invalid    int // refused rows, with SkipInvalid, and those with LeftRefused
	Done       int // rows with LeftDone
	Protected  int // rows with LeftProtected
	Users      int // distinct users among the unique pairs, by what is written
	AnyPass    int // unique pairs that name no pass
	Named      int // unique pairs that give a user principal name beside the object ID, see Pair.UPN
}

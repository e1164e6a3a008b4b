// Package input reads lists of users and of their Temporary Access Passes.
//
// A list is CSV with a header (as Excel and PowerShell write it, or by hand), JSON (an array,
// answers of Microsoft Graph, or objects one after another), or text with one user on each line.
// The content of a list decides its format. UTF-16 with a byte order mark is also read. A [Reader]
// adds other formats.
//
// [Open] reads lists of pairs: each row names a user and, usually, a pass of that user.
//
//	list, err := input.Open([]string{"list.csv"}, input.Options{})
//	if err != nil {
//		return err // such as list.csv:4: method "no... (8 characters)" is not a GUID
//	}
//	defer list.Close()
//	for pair, err := range list.Pairs() {
//		…
//	}
//
// [ReadUsers] reads lists of users, and ignores the passes.
//
// A row without a pass ID means any pass of the user. If a pass ID were lost, the row would delete
// more than the list says. So a row is refused if an unknown column contains a GUID, if it is not clear
// whether an ID belongs to the user or to the pass, or if the row has two users. A message never shows a
// value that may be a pass, because anybody can sign in with a pass.
//
// A list may have a million rows. Open reads it once, checks every row, and keeps the rows in a
// temporary file, so that they take no memory. Later changes to the list do not matter.
package input

import "io"

// A Pair is one row of a list: a user and a pass of that user.
type Pair struct {
	// Source is the name of the list that was given to Open, "stdin" for "-".
	Source string

	// Line is the line on which the row starts, counted from 1.
	Line int

	// Column is where the row starts in that line, in bytes of UTF-8, counted from 1. It is 0 for the first row of a
	// line. Only JSON can have several rows on a line.
	Column int

	// User is an object ID or a user principal name as written, without the spaces around it. It is Me if
	// Options.Self is set.
	User string

	// UPN is the user principal name if the row has one in addition to the object ID in User. Otherwise it is empty.
	// It is shown to people, who do not know object IDs. It may be out of date.
	UPN string

	// Method is the id of the pass as written. Empty means any pass of the user.
	Method string

	// Creation shows who created the pass, if the row has this.
	Creation Creation

	// Err is why the row was refused: nil, or a *LineError. Refused pairs are yielded only with Options.SkipInvalid, or
	// if a Reader refuses them with OutRefused. Their User and Method are only for display: printable, and at most 100
	// characters.
	Err error

	// FirstOf is the place of the earlier pair that this pair repeats, nil if it repeats none.
	FirstOf *Pos
}

// A File is a list as it was read.
type File struct {
	Name   string `json:"name"`   // as it was given, "stdin" for "-"
	Digest string `json:"digest"` // "sha256:" and the SHA-256 of its bytes when it was opened, in hex
}

// A Pos is a place in a list.
type Pos struct {
	Source string
	Line   int
}

// Place returns the place of the pair, such as list.csv:7, or list.json:1:93 if other pairs
// precede it on its line.
func (p *Pair) Place() string { return place(p.Source, p.Line, p.Column) }

const (
	NamedSource = "--user" // the source of the users in Options.Users
	SelfSource  = "--self" // the source of the pair of Options.Self
)

// Options are the options of Open. The zero value is ready to use.
type Options struct {
	// SkipInvalid makes Open succeed although rows were refused. An error that makes the rest
	// of a list unreadable, such as broken JSON, stays an error.
	SkipInvalid bool

	// Reader reads lists in formats that this package does not know, such as the results of a program. It is asked
	// before the formats of this package. It may be nil.
	Reader Reader

	// Users are object IDs or user principal names without a list. They come before the lists. Their pairs mean any
	// pass, and their source is NamedSource.
	Users []string

	// Self makes Open return a List of one pair: any pass of the user who is signed in. The user of the pair is Me, and
	// its source is SelfSource. With Self, Open accepts no lists and no Users.
	Self bool

	// Stdin is read for the name "-". Nil is os.Stdin.
	Stdin io.Reader
}

// Stats has the totals of the lists. Rows is the sum of Unique, Duplicates and Invalid.
type Stats struct {
	Rows       int // every row, without headers and empty lines
	Unique     int // pairs that differ from all before
	Duplicates int // repeats of an earlier pair
	Invalid    int // refused rows, with SkipInvalid, and those with OutRefused
	Done       int // rows with OutDone
	Protected  int // rows with OutProtected
	AnyPass    int // unique pairs that name no pass
}

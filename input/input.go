// Package input reads lists of users and of their Temporary Access Passes.
//
// A list is CSV with a header (as Excel and PowerShell write it, or by hand), JSON (an array,
// answers of Microsoft Graph, or objects one after another), or text with one user on each line.
// The content of a list decides which it is. UTF-16 with a byte order mark is read too. A [Reader]
// adds other forms.
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
// A row without a pass id means any pass of the user, which is a much wider order. So a row is
// refused if its pass id may be missing or misread: if an unknown column holds a GUID, if id may
// be the user's or the pass's, or if the row names two users. A message shows no value that may
// be a pass, because a pass lets anybody sign in.
//
// A list may have a million rows. Open reads it once, checks every row, and keeps the rows in a
// temporary file, so that they take no memory. What happens to the list later does not matter.
package input

import "io"

// A Pair is one row of a list: a user, and which pass of that user.
type Pair struct {
	// Source is the list's name as it was given to Open, "stdin" for "-".
	Source string

	// Line is the line on which the row starts, counted from 1.
	Line int

	// Column is where the row starts in that line, in bytes of UTF-8, counted from 1. It is 0
	// for the first row of a line; only JSON has more of them on a line.
	Column int

	// User is an object id or a user principal name as written, without the
	// spaces around it, or Me if Options.Self is set.
	User string

	// UPN is the user principal name if the row gives one in addition to the object ID in
	// User, and empty otherwise. It is shown to people, who do not know object IDs. It may
	// be out of date.
	UPN string

	// Method is the id of the pass as written. Empty means any pass of the user.
	Method string

	// Creation says who created the pass, if the row does.
	Creation Creation

	// Err says why the row was refused. It is nil, or a *LineError. Such pairs are yielded only
	// with Options.SkipInvalid, or if a Reader refuses them with OutRefused. Then User and Method
	// are only for display: printable, and at most 100 characters.
	Err error

	// FirstOf is the place of the first pair that this one repeats, nil if it is the first.
	FirstOf *Pos
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

// Options say how lists are read. The zero value is ready to use.
type Options struct {
	// SkipInvalid makes Open succeed although rows were refused. An error that makes the rest
	// of a list unreadable, such as broken JSON, stays an error.
	SkipInvalid bool

	// Reader reads lists in forms that this package does not know, such as a program's own
	// results. It is asked first. Nil knows none.
	Reader Reader

	// Users are users given without a list, by object ID or user principal name. They come
	// before the lists; any pass of these users is meant. Their source is NamedSource.
	Users []string

	// Self makes Open return a List of one pair: any pass of the user who is signed in, whom
	// the pair calls Me. The source is SelfSource. Open then takes no lists and no Users.
	Self bool

	// Stdin is read for the name "-". Nil is os.Stdin.
	Stdin io.Reader
}

// Stats count what Open found. Rows is the sum of Unique, Duplicates and Invalid.
type Stats struct {
	Rows       int // every row, without headers and empty lines
	Unique     int // pairs that differ from all before
	Duplicates int // repeats of an earlier pair
	Invalid    int // refused rows, with SkipInvalid, and those with OutRefused
	Done       int // rows with OutDone
	Protected  int // rows with OutProtected
	AnyPass    int // unique pairs that name no pass
}

// Package input reads lists of users and of their Temporary Access Passes.
//
// A list is CSV with a header (as Excel and PowerShell write it, or by hand), JSON (an array,
// answers of Microsoft Graph, or objects one after another), JSON Lines, or text with one user
// on each line. UTF-16 with a byte order mark is read too. A [Reader] adds other forms.
//
// [Open] reads lists of pairs: each row names a user and, usually, a pass of that user.
//
//	list, err := input.Open([]string{"list.csv"}, input.Options{})
//	if err != nil {
//		return err // such as list.csv:4: method "no..." (5 characters) is not a GUID
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
// A list of pairs is read twice. Open checks every row and finds the repeats before the caller
// handles the first pair. [List.Pairs] reads again, and stops at a pair that Open did not see.
// A List does not keep its rows: it takes 28 bytes of memory for each pair.
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

	// Err says why the row was refused. Such pairs are yielded only with Options.SkipInvalid.
	// Then User and Method are only for display: printable, and at most 100 characters.
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

// Options say how lists are read. The zero value is ready to use.
type Options struct {
	// Format is one of Formats, for every list. If it is empty, the extension of the file and
	// then the beginning of its text decide.
	Format string

	// SkipInvalid makes Open succeed although rows were refused. An error that makes the rest
	// of a list unreadable, such as broken JSON, stays an error.
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

	// Stdin is read for the name "-". Nil is os.Stdin. A list that can be read only once, such as
	// this one, is copied to the temporary directory of the system. Close deletes the copy.
	Stdin io.Reader
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

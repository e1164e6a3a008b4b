package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	NamedSource = "--user" // the source of the users in Options.Users
	SelfSource  = "--self" // the source of the pair of Options.Self
)

// isPlain reports whether a text that begins with start is a list with one user per line:
// the first line that is neither empty nor a comment is a user. A header or JSON never looks
// like a user. If whole is false, start is only the beginning of the text. blank reports
// whether all of its lines are empty or comments.
func isPlain(start []byte, whole bool) (plain, blank bool) {
	for line := range bytes.Lines(start) {
		if s, ok := plainLine(line); ok {
			return CheckUser(s) == nil && (whole || bytes.HasSuffix(line, []byte{'\n'})), false
		}
	}
	return false, whole
}

// readPlain yields the rows of a list with one user per line. Each row means any pass of its
// user. Unless the list is known to name users only, an object ID is an error, because it could be
// the ID of a pass.
func readPlain(text *bufio.Reader, usersOnly bool, yield func(row) bool) error {
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		r := row{line: n}
		switch s, ok := plainLine(line); {
		case errors.Is(err, errTooLong):
			r = r.refuse(fmt.Errorf("the line is %w", err))
		case err != nil:
			return err
		case !ok:
			continue
		case !usersOnly && isGUID(s):
			r.user = s
			r = r.refuse(fmt.Errorf("%s may be a user's object id or a pass's id: "+
				"if these are users, add the header line userId", show(s)))
		default:
			rec := record{nameUser: s}
			r = rec.row(n)
		}
		if !yield(r) {
			return errStop
		}
	}
}

// plainLine returns the text of a line, without quotes around it. ok is false for an empty line,
// a comment and Excel's line "sep=;".
func plainLine(line []byte) (text string, ok bool) {
	s := trim(string(line))
	if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' {
		s = trim(s[1 : n-1])
	}
	return s, s != "" && s[0] != '#' && (len(s) > len("sep=;") || !strings.HasPrefix(s, "sep="))
}

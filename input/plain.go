package input

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// NamedSource is the source of the users in Options.Users.
const NamedSource = "--user"

// isPlain reports whether a text that starts so is a list of one user on each line: its
// first line that is neither empty nor a comment is a user. No header and no JSON is one.
func isPlain(start []byte, whole bool) bool {
	for line := range bytes.Lines(start) {
		if s, ok := plainLine(line); ok {
			return CheckUser(s) == nil && (whole || bytes.HasSuffix(line, []byte{'\n'}))
		}
	}
	return false
}

// readPlain hands out the rows of a list of one user on each line, whose pass is
// whatever they hold. Where nothing else says that the lines are users, an object id is
// refused: it may as well be the id of a pass.
func readPlain(text *bufio.Reader, ids bool, yield func(row) bool) error {
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		r := row{line: n}
		switch s, ok := plainLine(line); {
		case errors.Is(err, errTooLong):
			r = r.refuse("", fmt.Errorf("the line is %w", err))
		case err != nil:
			return err
		case !ok:
			continue
		case !ids && isGUID(s):
			r.user = s
			r = r.refuse("user", fmt.Errorf("%s may be a user's object id or a pass's id: "+
				"put userId above the list if these are users", show(s)))
		default:
			rec := record{nameUser: s}
			r = rec.row(n)
		}
		if !yield(r) {
			return errStop
		}
	}
}

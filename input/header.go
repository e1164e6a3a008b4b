package input

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A header is what the lines before the first row say about the rows.
type header struct {
	comma rune
	width int             // columns up to the last one with a name
	index [nameCount]int  // where each known name stands
	has   [nameCount]bool // whether it does

	strangers []int // unknown columns, which may hold a pass ID
	kinds     []int // columns whose value is the type of the row
	fields    []string

	doubt     error // the error for rows in which id is not the value of another user column
	log       error // the error for rows without a pass if the list looks like an audit log
	usersOnly bool  // the list names users only
	template  bool  // the list is the template of an Entra bulk operation

	lines    int // read so far, the header's own included
	consumed int // their bytes
}

// readHeader reads up to and including the header. An empty text is io.EOF.
func readHeader(br *bufio.Reader, usersOnly bool) (*header, error) {
	h := &header{usersOnly: usersOnly}
	for {
		text, err := h.readLine(br)
		if err != nil {
			return nil, err
		}
		line := strings.TrimSpace(text)
		if line == "" || h.lines == 1 && (isTypeLine(line) || h.takeSeparator(line) || h.takeVersion(line)) {
			continue
		}
		start := h.lines
		if text, err = h.finish(br, text); err != nil {
			return nil, atLine(err, start)
		}
		if err := h.parse(text); err != nil {
			return nil, &LineError{Line: start, Msg: err.Error(), Err: err}
		}
		return h, nil
	}
}

// finish adds the lines that a quoted name goes on to, those up to an even
// number of quotes.
func (h *header) finish(br *bufio.Reader, text string) (string, error) {
	all := []byte(text)
	for quotes := strings.Count(text, `"`); quotes%2 != 0; {
		more, err := h.readLine(br)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if all = append(all, more...); len(all) > maxRowBytes {
			return "", &LineError{Msg: "the header is " + errTooLong.Error(), Err: errTooLong}
		}
		quotes += strings.Count(more, `"`)
	}
	return string(all), nil
}

func (h *header) readLine(br *bufio.Reader) (string, error) {
	line, err := readLine(br)
	h.lines++
	h.consumed += len(line)
	if errors.Is(err, errTooLong) {
		err = &LineError{Line: h.lines, Msg: "the line is " + errTooLong.Error(), Err: err}
	}
	return string(line), err
}

func atLine(err error, line int) error {
	if le, ok := errors.AsType[*LineError](err); ok {
		le.Line = line
	}
	return err
}

// isTypeLine reports whether line is what Windows PowerShell's Export-Csv
// writes first unless it is told -NoTypeInformation.
func isTypeLine(line string) bool {
	line = strings.TrimLeft(line, `"`)
	return len(line) >= 5 && strings.EqualFold(line[:5], "#TYPE")
}

// takeSeparator reports whether line tells Excel the delimiter, as "sep=;" does.
func (h *header) takeSeparator(line string) bool {
	rest, found := strings.CutPrefix(strings.ToLower(strings.Trim(line, `"`)), "sep=")
	if rest == "" && found {
		rest = "\t" // trimmed off the line
	}
	if !found || len(rest) != 1 || !strings.Contains(",;\t|", rest) {
		return false
	}
	h.comma = rune(rest[0])
	return true
}

// takeVersion reports whether line is the first line of a template of Entra's bulk
// operations, and records it.
// Source: learn.microsoft.com/entra/identity/users/users-bulk-delete, "CSV template structure".
func (h *header) takeVersion(line string) bool {
	h.template = strings.HasPrefix(strings.TrimLeft(line, `"`), "version:v")
	return h.template
}

// column returns the name of a column. In a template the name is in brackets, as in
// "User name [userPrincipalName] Required".
func (h *header) column(field string) string {
	name := trim(field)
	if h.template {
		if _, rest, ok := strings.Cut(name, "["); ok {
			name, _, _ = strings.Cut(rest, "]")
		}
	}
	return name
}

// passOver reports whether a record must be skipped, because it is empty or the example row
// of a template.
func (h *header) passOver(fields []string) bool {
	return allEmpty(fields) || h.template && strings.HasPrefix(trim(fields[0]), "Example:")
}

// parse settles the delimiter: the one that makes a known user column, and
// among several the one that makes most columns.
func (h *header) parse(text string) error {
	if strings.Contains(strings.TrimRight(text, "\r\n"), "\r") && !strings.Contains(text, "\n") {
		return errors.New("lines end with a lone carriage return: save the file with LF or CRLF line ends")
	}
	candidates := []rune{',', ';', '\t'}
	if h.comma != 0 {
		candidates = []rune{h.comma}
	}
	var fields []string
	var parseErr error
	usable := false
	for _, comma := range candidates {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma = comma
		found, err := r.Read()
		if err != nil {
			parseErr = err
			continue
		}
		user := h.hasUserName(found)
		if fields == nil || user && !usable || user == usable && len(found) > len(fields) {
			fields, h.comma, usable = found, comma, user
		}
	}
	if fields == nil {
		return fmt.Errorf("the header cannot be read: %s", csvMessage(parseErr))
	}
	return h.take(fields)
}

func (h *header) hasUserName(fields []string) bool {
	for _, f := range fields {
		if n, ok := names[fold(h.column(f))]; ok && n <= nameUPN {
			return true
		}
	}
	return false
}

// take finds the known names among the columns.
func (h *header) take(fields []string) error {
	if strings.HasPrefix(fields[0], "PK\x03\x04") {
		return errors.New("this is a workbook or another zip file: save it as CSV")
	}
	if strings.Contains(fields[0], "\x00") {
		return errors.New("this looks like UTF-16 without a byte order mark: save it as UTF-8")
	}
	set := nameSet{usersOnly: h.usersOnly}
	for i, f := range fields {
		column := h.column(f)
		n, m, err := set.add(column)
		if err != nil {
			return err
		}
		switch m {
		case naming:
			h.index[n], h.has[n] = i, true
		case unknown:
			h.strangers = append(h.strangers, i)
		case ofKind:
			h.kinds = append(h.kinds, i)
		}
		if column != "" {
			h.width = i + 1
		}
	}
	h.fields = fields
	idIsPass, err := set.resolve()
	if err != nil {
		return err
	}
	h.doubt = set.doubt
	if idIsPass {
		h.has[nameID] = false
		h.index[nameMethodID], h.has[nameMethodID] = h.index[nameID], true
	}
	if idIsPass || h.usersOnly || set.hasMethod() {
		h.strangers = nil
	}
	if !h.usersOnly {
		h.log = set.log()
	}
	if !set.hasUser() {
		return noUserColumn(fields)
	}
	return nil
}

// noUserColumn returns the error for a first line without a user column. If the line names a
// user, it is a row. A row or a line of another file may contain a pass or another secret, so
// the error shows only names of known columns in full.
func noUserColumn(fields []string) error {
	const want = "the first line must name the columns, such as user,method"
	shown := make([]string, 0, len(fields))
	notNamed := func(f string) bool { return !strings.Contains(f, "@") || CheckUser(trim(f)) != nil }
	if len(fields) > 1 && !slices.ContainsFunc(fields, notNamed) {
		return fmt.Errorf("the first line names %d users: put each user on a line of its own", len(fields))
	}
	for _, f := range fields[:min(len(fields), maxProblems)] {
		switch fold(trim(f)) {
		case "mail", "email", "emailaddress", "username":
			return fmt.Errorf("no user column in the header, because %s is not always the user principal name: "+
				"if it is here, rename it to userPrincipalName", show(f))
		}
		if CheckUser(trim(f)) == nil {
			return errors.New("there is no header, because the first line is already a row: " + want)
		}
		shownAs := showMethod
		f = trim(f)
		if _, known := names[fold(f)]; known || columns[fold(f)] != unknown {
			shownAs = show
		}
		shown = append(shown, shownAs(f))
	}
	err := fmt.Errorf("no user column in the header %s: %s; the user column can be %s, the pass column %s",
		strings.Join(shown, " "), want, userNames, methodNames)
	if len(fields) == 1 { // it may well be a mistyped user
		err = fmt.Errorf("%w; in a list of one user on each line, the first has to be a user too", err)
	}
	return err
}

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

// A header is the part of a CSV file before its first row.
type header struct {
	line     string // the line with the names of the columns
	number   int    // of that line
	comma    rune
	template bool // the list is the template of an Entra bulk operation
}

// readCSV reads CSV.
func (s *source) readCSV(text *bufio.Reader) error {
	h, err := readHeader(text)
	if err != nil {
		return err
	}
	ends := &lineEnds{r: io.MultiReader(strings.NewReader(h.line), text), line: h.number - 1}
	r := csv.NewReader(ends)
	r.Comma = h.comma
	r.FieldsPerRecord = -1 // this allows empty fields at the end
	r.ReuseRecord = true
	names, err := r.Read()
	if ends.bad != nil && ends.bad.Line == h.number {
		return ends.bad
	}
	if err != nil {
		return csvError(err, h.number)
	}
	for names = h.names(names); len(names) > 0 && names[len(names)-1] == ""; {
		names = names[:len(names)-1]
	}
	holdsValue := func(name string) bool { return IsGUID(name) || isName(name) }
	c, err := newColumns(names, unknown, s.usersOnly)
	switch {
	case err == errNoUser && slices.ContainsFunc(strings.FieldsFunc(h.line, isDelimiter), holdsValue):
		err = errors.New("this line looks like data: add a line above it with the names of the columns, such as " +
			"user,method; or write only one user on each line")
	case err == errNoUser:
		err = fmt.Errorf("%w; the first line must have the names of the columns, such as user,method, or a user "+
			"principal name; if this is a workbook, save it as CSV", err)
	}
	if err != nil {
		return &LineError{Line: h.number, Msg: err.Error(), Err: err}
	}
	for rows := 0; ; rows++ {
		s.limit.next()
		values, err := r.Read()
		if ends.bad != nil {
			return ends.bad
		}
		if err == io.EOF && rows == 0 && slices.ContainsFunc(names, holdsValue) {
			return &LineError{Line: h.number, Msg: "the only line holds names of columns and also values: put " +
				"each row on a line of its own"}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return csvError(err, h.number)
		}
		if isEmpty(values) || h.template && strings.HasPrefix(values[0], "Example:") {
			continue
		}
		line, _ := r.FieldPos(0)
		s.yield(c.csvRow(s.newRow(line+h.number-1), values))
	}
}

// readHeader reads up to the line with the names of the columns. It skips the lines that Windows PowerShell and Excel
// write before it.
func readHeader(text *bufio.Reader) (h header, err error) {
	for h.comma == 0 {
		h.line, err = text.ReadString('\n')
		if h.line == "" && err == io.EOF {
			return h, &LineError{Line: h.number, Msg: errNoUser.Error(), Err: errNoUser}
		}
		if err != nil && err != io.EOF {
			return h, err
		}
		h.number++
		start := strings.ToLower(strings.TrimLeft(h.line, `" `))
		// Source: learn.microsoft.com/entra/identity/users/users-bulk-delete, "CSV template structure".
		template := strings.HasPrefix(start, "version:v")
		switch {
		case strings.TrimSpace(h.line) == "":
		case h.number == 1 && (template || strings.HasPrefix(start, "#type") || strings.HasPrefix(start, "sep=")):
			h.template = template
		default:
			h.comma = h.delimiter()
		}
	}
	return h, nil
}

// delimiter returns the first delimiter with which the header has a column for the user, else a comma.
func (h *header) delimiter() rune {
	for _, comma := range ",;\t" {
		for _, name := range h.names(strings.Split(h.line, string(comma))) {
			switch roles[fold(strings.Trim(name, `"`))] {
			case user, userName, userOrPass:
				return comma
			}
		}
	}
	return ','
}

// names returns the names of the columns. In a template a name is in brackets, as in
// "User name [userPrincipalName] Required".
func (h *header) names(fields []string) []string {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = strings.TrimSpace(field)
		if _, rest, ok := strings.Cut(field, "["); ok && h.template {
			names[i], _, _ = strings.Cut(rest, "]")
		}
	}
	return names
}

// csvRow converts a record to a row. It refuses a record that has another number of fields than the header, because a
// field may be missing, so that another value is in the column of the pass.
func (c *columns) csvRow(r ListRow, values []string) ListRow {
	width := len(c.names)
	switch {
	case strings.HasPrefix(values[0], "#"):
		return r.refuse(errors.New("the row starts with #, and CSV has no comments: remove the row"))
	case len(values) < width || !isEmpty(values[width:]):
		return r.refuse(fmt.Errorf("the number of fields is %d, but the header has %d: leave a field empty, as in "+
			`"dana@contoso.com,", or quote a value that contains the delimiter`, len(values), width))
	}
	for i, value := range values[:width] {
		values[i] = plainValue(strings.TrimSpace(value))
	}
	return c.fill(r, values[:width])
}

// isDelimiter reports whether r may stand between two values of a line of CSV.
func isDelimiter(r rune) bool { return strings.ContainsRune(",;\t\" \r\n", r) }

func isEmpty(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return strings.TrimSpace(f) != "" })
}

// csvError returns the error for CSV that is broken, so that the rest cannot be read. headerLine is the line of the
// header.
func csvError(err error, headerLine int) error {
	parse, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	bad := &LineError{Line: parse.StartLine + headerLine - 1, Err: err,
		Msg: `a quoted value is not closed, or continues after its closing quote: write a quote inside it as ""`}
	if parse.Err == csv.ErrBareQuote {
		bad.Msg = `a quote is in the middle of a value: quote the whole value, and write the quote as ""`
	}
	if parse.Line == parse.StartLine {
		bad.Column = parse.Column
	} else {
		bad.Msg += fmt.Sprintf("; the row continues to line %d", parse.Line+headerLine-1)
	}
	return bad
}

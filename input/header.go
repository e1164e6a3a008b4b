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

// A header is what the lines before the first row of a CSV file say about the rows.
type header struct {
	comma  rune
	width  int          // columns up to the last one with a name
	fields []string     // the names of the columns
	index  map[name]int // the columns that identify the user or the pass

	unknown  []int // unknown columns, which may hold the id of a pass
	kinds    []int // columns whose value is the type of the row
	creation []int // columns of a Creation

	unclearID error // the error for rows in which id is not the value of another user column
	notAList  error // the error for rows without a pass if the list looks like an audit log

	usersOnly bool // the list names users only
	template  bool // the list is the template of an Entra bulk operation

	lines    int // read so far, including those of the header
	consumed int // their bytes
}

// readHeader reads up to and including the header. For an empty text it returns io.EOF.
func readHeader(br *bufio.Reader, usersOnly bool) (*header, error) {
	h := &header{usersOnly: usersOnly, index: make(map[name]int)}
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
		if text, err = h.readRest(br, text); err != nil {
			if bad, ok := errors.AsType[*LineError](err); ok {
				bad.Line = start
			}
			return nil, err
		}
		if err := h.parse(text); err != nil {
			return nil, &LineError{Line: start, Msg: err.Error(), Err: err}
		}
		return h, nil
	}
}

// readRest appends further lines to a header that begins with text, up to an even number of
// quotes, because the quoted name of a column may continue on the next line.
func (h *header) readRest(br *bufio.Reader, text string) (string, error) {
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

// isTypeLine reports whether line is the first line that Windows PowerShell's Export-Csv writes
// without -NoTypeInformation.
func isTypeLine(line string) bool {
	line = strings.TrimLeft(line, `"`)
	return len(line) >= 5 && strings.EqualFold(line[:5], "#TYPE")
}

// takeSeparator reports whether line is a line such as "sep=;", which names the delimiter for
// Excel, and records the delimiter.
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

// skips reports whether a record is not a row: it is empty, or the example of a template.
func (h *header) skips(fields []string) bool {
	return allEmpty(fields) || h.template && strings.HasPrefix(trim(fields[0]), "Example:")
}

// parse chooses the delimiter: one that makes a known user column, and among several the one that
// makes most columns. Then it takes the columns.
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
		user := slices.ContainsFunc(found, h.isUserColumn)
		if fields == nil || user && !usable || user == usable && len(found) > len(fields) {
			fields, h.comma, usable = found, comma, user
		}
	}
	if fields == nil {
		return fmt.Errorf("the header cannot be read: %s", csvMessage(parseErr))
	}
	return h.take(fields)
}

func (h *header) isUserColumn(field string) bool {
	n, ok := names[fold(h.column(field))]
	return ok && n <= nameUPN
}

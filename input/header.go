package input

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A header is what the lines before the first row say about the rows.
type header struct {
	comma rune
	width int             // columns up to the last one with a name
	index [nameCount]int  // where each known name stands
	has   [nameCount]bool // whether it does

	suspects []int          // columns that may hold a pass id under another name
	report   map[string]int // columns of a report by their folded names, nil if it is none
	fields   []string

	lines    int // read so far, the header's own included
	consumed int // their bytes
}

// readHeader reads up to and including the header. An empty text is io.EOF.
func readHeader(br *bufio.Reader) (*header, error) {
	h := &header{}
	for {
		text, err := h.readLine(br)
		if err != nil {
			return nil, err
		}
		line := strings.TrimSpace(text)
		if line == "" || h.lines == 1 && (isTypeLine(line) || h.takeSeparator(line)) {
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
		user := hasUserName(found)
		if fields == nil || user && !usable || user == usable && len(found) > len(fields) {
			fields, h.comma, usable = found, comma, user
		}
	}
	if fields == nil {
		return fmt.Errorf("the header cannot be read: %s", csvMessage(parseErr))
	}
	return h.take(fields)
}

func hasUserName(fields []string) bool {
	for _, f := range fields {
		if n, ok := names[fold(f)]; ok && n <= nameUPN {
			return true
		}
	}
	return false
}

// take finds the known names among the columns.
func (h *header) take(fields []string) error {
	var set nameSet
	for i, f := range fields {
		n, ok, err := set.add(trim(f))
		if err != nil {
			return err
		}
		if ok {
			h.index[n], h.has[n] = i, true
		}
		if trim(f) != "" {
			h.width = i + 1
		}
		if !ok && suspect(fold(trim(f))) {
			h.suspects = append(h.suspects, i)
		}
	}
	h.report = reported(fields)
	if h.fields = fields; set.hasMethod() {
		h.suspects = nil
	}
	if strings.HasPrefix(fields[0], "PK\x03\x04") {
		return errors.New("this is a workbook or another zip file: save it as CSV")
	}
	if strings.Contains(fields[0], "\x00") {
		return errors.New("this looks like UTF-16 without a byte order mark: save it as UTF-8")
	}
	if !set.hasUser() {
		shown := make([]string, 0, len(fields))
		for _, f := range fields[:min(len(fields), maxProblems)] {
			shown = append(shown, show(f))
		}
		return fmt.Errorf("no user column in the header %s: the first line has to name the columns, such as "+
			"user,method; the user's may be %s, the pass id's %s", strings.Join(shown, " "), userNames, methodNames)
	}
	return set.ambiguous()
}

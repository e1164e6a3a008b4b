package input

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// errStop ends a reader whose rows are no longer wanted.
var errStop = errors.New("stop")

// trim removes the space around a value, including no-break spaces, and the braces around a GUID.
func trim(s string) string {
	s = strings.TrimSpace(s)
	if n := len(s); n > 2 && s[0] == '{' && s[n-1] == '}' && isGUID(s[1:n-1]) {
		return s[1 : n-1]
	}
	return s
}

// readCSV yields the rows of text. A *LineError that it returns, unlike one in a row, means
// that the rest cannot be read.
func readCSV(text io.Reader, usersOnly bool, yield func(row) bool) error {
	capped := &cappedReader{r: text, limit: math.MaxInt64}
	br := bufio.NewReaderSize(capped, bufferBytes)
	h, err := readHeader(br, usersOnly)
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	r := csv.NewReader(br) // uses br as it is, because its buffer is large enough
	r.Comma = h.comma
	r.FieldsPerRecord = -1 // header.row checks the width: it allows empty extras
	r.ReuseRecord = true
	last := h.lines
	for {
		capped.limit = int64(h.consumed) + r.InputOffset() + maxRowBytes
		fields, err := r.Read()
		switch {
		case capped.err == errTooLong:
			return &LineError{Line: last + 1, Err: errTooLong,
				Msg: "a row from here on is longer than 1 MiB: is a closing quote missing?"}
		case capped.err != nil:
			return capped.err
		case err == io.EOF:
			return nil
		}
		var next row
		if err != nil {
			bad := csvError(err, h.lines)
			if parse, ok := errors.AsType[*csv.ParseError](err); !ok || parse.Line != parse.StartLine {
				return bad // a field has swallowed the lines up to here, and good rows among them
			}
			next = row{line: bad.Line, err: bad}
			last = bad.Line
		} else {
			line, _ := r.FieldPos(0)
			end, _ := r.FieldPos(len(fields) - 1)
			last = h.lines + end + strings.Count(fields[len(fields)-1], "\n")
			if h.skips(fields) {
				continue
			}
			next = h.row(fields, h.lines+line)
			if h.unclearID != nil && next.err != nil && next.err.Err == h.unclearID {
				return next.err // it is about the column, and so about all rows
			}
		}
		if !yield(next) {
			return errStop
		}
	}
}

// wrongWidth returns the error for a row that has another number of fields than the header.
func (h *header) wrongWidth(width int) error {
	unit, leave := "fields", ""
	if width == 1 {
		unit = "field"
	}
	if width < h.width {
		leave = fmt.Sprintf("leave a field empty, as in dana@contoso.com%s, or ",
			strings.Repeat(string(h.comma), h.width-1))
	}
	return fmt.Errorf("the row has %d %s, the header has %d: %squote values that contain %q", width, unit, h.width,
		leave,
		h.comma)
}

// row returns a record as a row. A record of another width than the header is refused: if it
// lost a field, another value or none may stand in the place of the method.
func (h *header) row(fields []string, line int) row {
	var rec record
	for n, i := range h.index {
		if i < len(fields) {
			rec[n] = PlainValue(trim(fields[i]))
		}
	}
	r := rec.row(line)
	switch {
	case strings.HasPrefix(trim(fields[0]), "#"):
		return r.refuse(errors.New("the row starts with #, and lists have no comments: remove it"))
	case len(fields) < h.width || !allEmpty(fields[h.width:]):
		return r.refuse(h.wrongWidth(len(fields)))
	case h.unclearID != nil && !rec.sameID():
		return r.refuse(h.unclearID)
	case h.notAList != nil && r.err == nil && r.method == "":
		return r.refuse(h.notAList)
	}
	for _, i := range h.kinds {
		if err := checkKind(h.fields[i], trim(fields[i])); err != nil {
			return r.refuse(err)
		}
	}
	for _, i := range h.unknown {
		if i < len(fields) && holdsGUID(fields[i]) {
			return r.refuse(misnamedColumn(trim(h.fields[i])))
		}
	}
	for _, i := range h.creation {
		r.creation.Set(h.fields[i], PlainValue(trim(fields[i])))
	}
	return r
}

func allEmpty(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return trim(f) != "" })
}

func csvError(err error, linesBefore int) *LineError {
	le := &LineError{Msg: csvMessage(err), Err: err}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		le.Line = linesBefore + parse.StartLine
		if parse.Line == parse.StartLine {
			le.Column = parse.Column
		} else {
			le.Msg += fmt.Sprintf("; the row continues to line %d", linesBefore+parse.Line)
		}
	}
	return le
}

// csvMessage returns what encoding/csv found wrong, and what to do about it.
func csvMessage(err error) string {
	switch {
	case errors.Is(err, csv.ErrQuote):
		return `a quoted value is not closed, or continues after its closing quote: write a quote inside it as ""`
	case errors.Is(err, csv.ErrBareQuote):
		return `a quote stands in the middle of a value: quote the whole value, and write the quote as ""`
	}
	return err.Error()
}

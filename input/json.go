package input

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// A jsonReader reads JSON values, without keeping an array or an answer of Graph as a whole.
type jsonReader struct {
	*source
	*json.Decoder
	lines   *lineCounter
	columns *columns // of the last object
	last    int      // the last line on which a row started
	page    int      // line of the last document, if it says that more pages follow
}

// readJSON reads objects, arrays of objects and answers of Graph, one after another. Broken JSON
// ends it with a *LineError, because it is unknown where the next row starts.
func (s *source) readJSON(text io.Reader) error {
	lines := &lineCounter{r: text}
	j := jsonReader{source: s, Decoder: json.NewDecoder(lines), lines: lines}
	err := j.documents()
	if err == nil && j.page > 0 {
		return &LineError{Line: j.page, Msg: "this is one page of several: put the others behind it, " +
			`or take out "@odata.nextLink" if one is meant`}
	}
	line, _ := lines.at(j.InputOffset())
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &LineError{Line: line, Msg: "the JSON is broken here or below: " + err.Error(), Err: err}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &LineError{Line: line, Msg: "the JSON ends too early: is the file complete?", Err: err}
	}
	return err
}

// documents reads the values on the top level.
func (j *jsonReader) documents() error {
	for {
		tok, err := j.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'):
			err = j.object(true)
		case json.Delim('['):
			err = j.elements()
		default:
			err = j.wrong("an object or an array has to start here")
		}
		if err != nil {
			return err
		}
	}
}

// wrong returns the error for the last token.
func (j *jsonReader) wrong(msg string) error {
	line, _ := j.lines.at(j.InputOffset())
	return &LineError{Line: line, Msg: msg}
}

// elements reads the elements of an array, and its end.
func (j *jsonReader) elements() error {
	for j.More() {
		tok, err := j.Token()
		if err != nil {
			return err
		}
		if tok != json.Delim('{') {
			return j.wrong("each element of the array has to be an object")
		}
		if err := j.object(false); err != nil {
			return err
		}
	}
	_, err := j.Token()
	return err
}

// object reads the rest of an object, which is a row unless it is an answer of Graph on the top
// level: then the array under the key "value" holds the rows.
func (j *jsonReader) object(top bool) error {
	line, column := j.lines.at(j.InputOffset())
	var names, values []string
	isAnswer := false
	for j.More() {
		key, err := j.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder lets nothing else be a key
		if top && name == "value" {
			if tok, err := j.Token(); err != nil || tok != json.Delim('[') {
				return cmp.Or(err, j.wrong(`"value" has to be an array of rows`))
			}
			isAnswer = true
			if err := j.elements(); err != nil {
				return err
			}
			continue
		}
		var value json.RawMessage
		if err := j.Decode(&value); err != nil {
			return err
		}
		names, values = append(names, name), append(values, textOf(value))
	}
	if _, err := j.Token(); err != nil {
		return err
	}
	if isAnswer {
		return j.endAnswer(line, names, values)
	}
	if top {
		j.page = 0
	}
	j.yieldRow(line, column, names, values)
	return nil
}

// endAnswer notes whether an answer of Graph has more pages. values are those beside its rows.
func (j *jsonReader) endAnswer(line int, names, values []string) error {
	j.page = 0
	for i, name := range names {
		switch roles[fold(name)] {
		case user, userName, userOrPass:
			return &LineError{Line: line,
				Msg: `the object is a row and also holds rows in "value": keep one of the two`}
		}
		if name == "@odata.nextLink" && values[i] != "null" {
			j.page = line
		}
	}
	return nil
}

// yieldRow yields the row of an object.
func (j *jsonReader) yieldRow(line, column int, names, values []string) {
	r := j.newRow(line)
	if line <= j.last {
		r.Column = column
	}
	j.last = line
	if j.columns == nil || !slices.Equal(names, j.columns.names) {
		var err error
		if j.columns, err = newColumns(names, j.usersOnly); err != nil {
			j.yield(r.refuse(err))
			return
		}
	}
	j.yield(j.columns.fill(r, values))
}

// textOf returns the text of a JSON string, and any other value as it is written.
func textOf(value json.RawMessage) string {
	var s string
	if value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return strings.TrimSpace(s)
	}
	return string(value)
}

// A lineCounter finds the line of an offset, for a consumer that reads ahead. It queues the
// offsets of newlines.
type lineCounter struct {
	r        io.Reader
	off      int64
	line     int   // newlines passed so far
	start    int64 // of the line
	newlines []int64
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.newlines = append(c.newlines, c.off+int64(i))
		}
	}
	c.off += int64(n)
	return n, err
}

// at returns the line of the byte before off, and its place in that line, both counted from 1.
// Offsets must not go back.
func (c *lineCounter) at(off int64) (line, column int) {
	n := 0
	for n < len(c.newlines) && c.newlines[n] < off {
		c.start = c.newlines[n] + 1
		n++
	}
	c.line += n
	c.newlines = c.newlines[n:]
	return c.line + 1, int(off - c.start)
}

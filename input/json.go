package input

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A jsonReader reads JSON values. It never keeps a whole array or a whole answer of Graph in memory.
type jsonReader struct {
	*source
	*json.Decoder
	lines   *lineCounter
	columns *columns // the columns of the last object
	object  role     // the role for which columns were made: ofUser or ofPass by its type, else unknown
	context role     // ofPass if the answer of Graph shows that its rows are passes, else unknown
	last    int      // the last line on which a row started
	page    int      // the line of the last document, if more pages follow it

	nextLink string // the name of the member that says so
}

// readJSON reads objects, arrays of objects and answers of Graph, one after another. It ends with a *LineError at
// broken JSON, because nobody knows where the next row starts.
func (s *source) readJSON(text io.Reader) error {
	lines := &lineCounter{r: text}
	j := jsonReader{source: s, Decoder: json.NewDecoder(lines), lines: lines}
	err := j.documents()
	if err == nil && j.page > 0 {
		return &LineError{Line: j.page, Msg: fmt.Sprintf("this is one page of several: add the other pages, or remove "+
			`"%s" to use only this page`, escaped(j.nextLink))}
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		line, before := lines.at(j.next())
		return &LineError{Line: line, Column: before + 1, Msg: "the JSON is broken: " + jsonMistake(err.Error()),
			Err: err}
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		line, _ := lines.at(j.InputOffset())
		return &LineError{Line: line, Msg: "the JSON ends too early: is the file complete?", Err: err}
	}
	return err
}

// next returns the offset of the next token, if it is in memory. At a mistake, this may be some lines below the last
// token.
func (j *jsonReader) next() int64 {
	ahead := j.Buffered().(io.ByteReader)
	for at := j.InputOffset(); ; at++ {
		if c, err := ahead.ReadByte(); err != nil || !strings.ContainsRune(" \t\r\n,:", rune(c)) {
			return at
		}
	}
}

// jsonMistakes has plain words for the errors of encoding/json about a wrong character (%s).
var jsonMistakes = []struct{ text, words string }{
	{"looking for beginning of value", "a value must start here, not %s"},
	{"looking for beginning of object key", "a key in double quotes must start here, not %s"},
	{"after object key:value pair", "',' or '}' must follow, not %s"},
	{"after object key", "':' must follow the key, not %s"},
	{"after array element", "',' or ']' must follow, not %s"},
	{"in string", "a text in quotes cannot contain %s"},
}

// jsonMistake returns the text of a syntax error of encoding/json in plain words.
func jsonMistake(text string) string {
	wrong, ok := strings.CutPrefix(text, "invalid character ")
	if !ok {
		return text
	}
	for _, m := range jsonMistakes {
		if character, _, ok := strings.Cut(wrong, " "+m.text); ok {
			return fmt.Sprintf(m.words, character)
		}
	}
	return wrong[:1] + strings.SplitAfter(wrong[1:], "'")[0] + " is wrong here"
}

// documents reads the values on the top level.
func (j *jsonReader) documents() error {
	for {
		j.limit.next()
		tok, err := j.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'):
			err = j.readObject(true)
		case json.Delim('['):
			err = j.elements()
		default:
			err = j.wrong("an object or an array must start here")
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
		j.limit.next()
		tok, err := j.Token()
		if err != nil {
			return err
		}
		if tok != json.Delim('{') {
			return j.wrong("each element of the array has to be an object")
		}
		if err := j.readObject(false); err != nil {
			return err
		}
	}
	_, err := j.Token()
	return err
}

// readObject reads the rest of an object. The object is a row, unless it is an answer of Graph on the top level: then
// its array "value" has the rows.
func (j *jsonReader) readObject(top bool) error {
	line, column := j.lines.at(j.InputOffset())
	var names, values []string
	isAnswer := false
	if top {
		j.context = unknown
	}
	for j.More() {
		key, err := j.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string) // the decoder accepts only strings as keys
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
		if name == "@odata.context" {
			j.context = contextOf(textOf(value))
		}
		var properties map[string]json.RawMessage // PowerShell puts the type into these properties
		if fold(name) == "additionalproperties" && json.Unmarshal(value, &properties) == nil &&
			properties["@odata.type"] != nil {
			names, values = append(names, "@odata.type"), append(values, textOf(properties["@odata.type"]))
		}
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

// contextOf returns ofUser or ofPass if the context of an answer of Graph shows that its rows are users or
// passes, else unknown. Source: learn.microsoft.com/graph/api/user-list, "Response".
func contextOf(text string) role {
	switch _, set, _ := strings.Cut(strings.TrimSuffix(text, "/$entity"), "#"); {
	case strings.Contains(set, "/temporaryAccessPassMethods"):
		return ofPass
	case set == "users", strings.HasPrefix(set, "users(") && strings.HasSuffix(set, ")"):
		return ofUser
	}
	return unknown
}

// endAnswer records whether more pages follow an answer of Graph. names and values are its members except the rows.
func (j *jsonReader) endAnswer(line int, names, values []string) error {
	j.page = 0
	for i, name := range names {
		switch roles[fold(name)] {
		case user, userName, userOrPass:
			return &LineError{Line: line,
				Msg: `the object is a row and also holds rows in "value": keep one of the two`}
		}
		if isNextLink(name) && values[i] != "null" {
			j.page, j.nextLink = line, name
		}
	}
	return nil
}

// isNextLink reports whether a member of an answer of Graph is the URL of the next page. The libraries of Graph rename
// it, for example to odataNextLink.
func isNextLink(name string) bool {
	return strings.HasSuffix(strings.ToLower(strings.Map(func(r rune) rune {
		if isAlnum(r) {
			return r
		}
		return -1
	}, name)), "nextlink")
}

// yieldRow yields the row of an object.
func (j *jsonReader) yieldRow(line, column int, names, values []string) {
	r := j.newRow(line)
	if line <= j.last {
		r.Column = column
	}
	j.last = line
	object := j.context
	for i, name := range names {
		if roles[fold(name)] == kind {
			is, err := checkKind(name, values[i])
			if err != nil {
				j.yield(r.refuse(err))
				return
			}
			object = cmp.Or(object, is)
		}
	}
	if j.columns == nil || object != j.object || !slices.Equal(names, j.columns.names) {
		var err error
		j.object = object
		if j.columns, err = newColumns(names, object, j.usersOnly); err != nil {
			j.yield(r.refuse(err))
			return
		}
	}
	j.yield(j.columns.fill(r, values))
}

// textOf returns the text of a JSON string, or any other value as written.
func textOf(value json.RawMessage) string {
	var s string
	if value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return strings.TrimSpace(s)
	}
	return string(value)
}

// A lineCounter finds the line of an offset, even if its consumer reads ahead. It keeps the offsets of line breaks.
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

// at returns the line of the byte before off, and its column, both counted from 1. Offsets must not decrease.
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

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

// A jsonReader reads JSON values, without keeping an array or an answer of Graph as a whole.
type jsonReader struct {
	*source
	*json.Decoder
	lines   *lineCounter
	columns *columns // of the last object
	object  role     // that they are for: ofUser or ofPass if its type says so, else unknown
	context role     // what the answer of Graph says that its rows are: ofUser, ofPass or unknown
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

// next returns the offset of the next token, as far as it is in memory. At a mistake, that may be
// some lines below the last token.
func (j *jsonReader) next() int64 {
	ahead := j.Buffered().(io.ByteReader)
	for at := j.InputOffset(); ; at++ {
		if c, err := ahead.ReadByte(); err != nil || !strings.ContainsRune(" \t\r\n,:", rune(c)) {
			return at
		}
	}
}

// jsonMistakes say in plain words what encoding/json says about a wrong character, which is %s.
var jsonMistakes = []struct{ text, words string }{
	{"looking for beginning of value", "a value has to start here, not %s"},
	{"looking for beginning of object key", "a key in double quotes has to start here, not %s"},
	{"after object key:value pair", "',' or '}' has to follow, not %s"},
	{"after object key", "':' has to follow the key, not %s"},
	{"after array element", "',' or ']' has to follow, not %s"},
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
		if err := j.readObject(false); err != nil {
			return err
		}
	}
	_, err := j.Token()
	return err
}

// readObject reads the rest of an object, which is a row unless it is an answer of Graph on the top
// level: then the array under the key "value" holds the rows.
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
		if name == "@odata.context" {
			j.context = contextOf(textOf(value))
		}
		var properties map[string]json.RawMessage // in which PowerShell puts the type
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

// contextOf returns ofUser or ofPass if the context of an answer of Graph says that its rows are users or
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

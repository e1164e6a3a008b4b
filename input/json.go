package input

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// readJSON hands out the rows of text: objects, arrays of objects and answers
// of Graph, one after another. Broken JSON ends it with a *LineError, because
// nothing tells where the next row would start.
func readJSON(text io.Reader, usersOnly bool, yield func(row) bool) error {
	limited := &cappedReader{r: text}
	lines := &lineCounter{r: limited}
	j := jsonReader{dec: json.NewDecoder(lines), at: lines.at, names: nameSet{usersOnly: usersOnly}, yield: yield}
	j.renew = func() { limited.limit = j.dec.InputOffset() + maxRowBytes }
	err := j.documents()
	if err == nil && j.page > 0 {
		return &LineError{Line: j.page, Msg: `this is one page of several: put the others behind it, or take out "@odata.nextLink" if one is meant`}
	}
	if errors.Is(err, errTooLong) {
		line, _ := lines.at(j.next())
		return &LineError{Line: line, Msg: "an element from here on is longer than 1 MiB", Err: err}
	}
	if bad := jsonError(err); bad != nil {
		bad.Line, _ = lines.at(j.next())
		return bad
	}
	return err
}

// readLines yields the rows of text, in which each line is a separate JSON value.
func readLines(text *bufio.Reader, usersOnly bool, yield func(row) bool) error {
	l := newLineReader(usersOnly)
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		if err == nil {
			err = l.read(line, n)
		} else {
			err = fmt.Errorf("the line is %w", err)
		}
		if err != nil { // no row of a broken line counts
			l.rows = append(l.rows[:0], row{line: n}.refuse("", err))
			if bad := jsonError(err); bad != nil {
				bad.Line, l.rows[0].err = n, bad
			}
		}
		for _, r := range l.rows {
			if !yield(r) {
				return errStop
			}
		}
	}
}

// A lineReader reads the lines of JSON Lines.
type lineReader struct {
	rows  []row // of the last line
	line  bytes.Reader
	start int64 // offset of the line in what the decoder has read
	json  jsonReader
}

func newLineReader(usersOnly bool) *lineReader {
	l := new(lineReader)
	l.json = jsonReader{names: nameSet{usersOnly: usersOnly}, renew: func() {}}
	l.json.yield = func(r row) bool { l.rows = append(l.rows, r); return true }
	return l
}

// read reads the rows of line n: mostly one, but a line may hold a whole document.
func (l *lineReader) read(line []byte, n int) error {
	l.rows = l.rows[:0]
	l.line.Reset(bytes.TrimRightFunc(line, unicode.IsSpace))
	if l.json.dec == nil {
		l.json.dec = json.NewDecoder(&l.line)
	}
	l.json.last = 0
	l.start = l.json.dec.InputOffset()
	l.json.at = func(offset int64) (int, int) { return n, int(offset - l.start) }
	err := l.json.documents()
	if err != nil {
		l.json.dec = nil // it reads no further after an error
	}
	return err
}

// jsonError returns the *LineError for broken JSON, without its line, or nil.
func jsonError(err error) *LineError {
	if le, ok := errors.AsType[*LineError](err); ok {
		return le
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &LineError{Msg: "the JSON ends too early", Err: err}
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &LineError{Msg: "the JSON is broken: " + err.Error(), Err: err}
	}
	return nil
}

// A jsonReader walks through JSON so that neither an array nor a Graph answer
// is ever in memory as a whole.
type jsonReader struct {
	dec   *json.Decoder
	at    func(offset int64) (line, column int) // of the byte before it; offsets must not go back
	renew func()                                // allows the next element its size
	page  int                                   // line of the last document, if that says that more follows
	last  int                                   // line on which a row has started
	names nameSet                               // of a row before its first key
	raw   json.RawMessage                       // the last value
	yield func(row) bool
}

// hand hands out a row that starts there. An object that also holds rows comes after them.
func (j *jsonReader) hand(r row, column int) error {
	if r.line <= j.last {
		r.column = column
		if r.err != nil {
			r.err.Column = column
		}
	}
	j.last = max(j.last, r.line)
	if !j.yield(r) {
		return errStop
	}
	return nil
}

// next returns the offset of the next token, as far as it is in memory. At a mistake, that may
// be some lines below the last token.
func (j *jsonReader) next() int64 {
	ahead := j.dec.Buffered().(io.ByteReader)
	for at := j.dec.InputOffset(); ; at++ {
		if c, err := ahead.ReadByte(); err != nil || !strings.ContainsRune(" \t\r\n,:", rune(c)) {
			return at
		}
	}
}

// token returns the next token, inside something, where the text must not end.
func (j *jsonReader) token() (json.Token, error) {
	tok, err := j.dec.Token()
	return tok, atEnd(err)
}

// atEnd returns err, or io.ErrUnexpectedEOF for io.EOF.
func atEnd(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (j *jsonReader) documents() error {
	for {
		j.renew()
		tok, err := j.dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'):
			line, column := j.at(j.dec.InputOffset())
			err = j.object(line, column, j.names, true)
		case json.Delim('['):
			err = j.elements(j.names)
		default:
			err = &LineError{Msg: "an object or an array has to start here"}
		}
		if err != nil {
			return err
		}
	}
}

// object reads the rest of an object, which is a row unless it is an answer of Graph on the top
// level: then an array under the key "value" holds the rows. The object's nameSet starts as a
// copy of names.
func (j *jsonReader) object(line, column int, names nameSet, top bool) error {
	o := objectRow{line: line, names: names}
	answer := graphAnswer{names: names}
	for j.dec.More() {
		tok, err := j.token()
		if err != nil {
			return err
		}
		key, _ := tok.(string) // the decoder lets nothing else be a key
		if top && key == "value" {
			err = j.value(&o, &answer)
		} else if err = j.dec.Decode(&j.raw); err == nil {
			answer.take(key, j.raw)
			o.take(key, j.raw)
		}
		if err != nil {
			return atEnd(err)
		}
	}
	if _, err := j.token(); err != nil {
		return err
	}
	if top {
		j.page = 0
	}
	if answer.list {
		if answer.more {
			j.page = line
		}
		if !o.names.hasUser() && o.err == nil {
			return nil
		}
		o.fail("", errors.New(`the object is a row and also holds rows in "value": keep one of the two`))
	}
	return j.hand(o.row(), column)
}

// A graphAnswer is what an object says about the rows in its array "value".
type graphAnswer struct {
	names nameSet // of a row before its first key
	list  bool    // there is such an array
	more  bool    // other pages follow
}

func (a *graphAnswer) take(key string, value json.RawMessage) {
	switch key {
	case "@odata.nextLink":
		a.more = value[0] == '"'
	case "@odata.context":
		a.names.context(unquote(value))
	}
}

// value reads the value of the key "value" on the top level. An array is not read as a whole,
// because it may hold all rows.
func (j *jsonReader) value(o *objectRow, answer *graphAnswer) error {
	tok, err := j.token()
	switch {
	case err != nil:
		return err
	case tok != json.Delim('['):
		return j.skip(tok, func(text string) {
			if o.hidden == nil && holdsGUID(text) {
				o.hidden = misnamedColumn("value")
			}
		})
	case answer.list:
		return &LineError{Msg: `the object has two arrays "value"`}
	}
	answer.list = true
	return j.elements(answer.names)
}

// elements reads the elements of an array, and its end. The nameSet of each element starts
// as a copy of names.
func (j *jsonReader) elements(names nameSet) error {
	for j.renew(); j.dec.More(); j.renew() {
		line, column := j.at(j.next() + 1)
		tok, err := j.token()
		switch {
		case err != nil:
		case tok == json.Delim('{'):
			err = j.object(line, column, names, false)
		default:
			if err = j.skip(tok, func(string) {}); err == nil {
				r := row{line: line}
				err = j.hand(r.refuse("", fmt.Errorf("the element is %s, and has to be an object", kindOfToken(tok))), column)
			}
		}
		if err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

// skip skips the value that tok starts, and calls text with each string in it.
func (j *jsonReader) skip(tok json.Token, text func(string)) error {
	for depth := 0; ; {
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '{' || tok == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			text(tok)
		}
		if depth == 0 {
			return nil
		}
		var err error
		if tok, err = j.token(); err != nil {
			return err
		}
	}
}

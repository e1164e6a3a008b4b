package input

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readJSON yields the rows of text: objects, arrays of objects and answers of Graph, one after
// another. Broken JSON ends it with a *LineError, because it is unknown where the next row
// starts.
func readJSON(text io.Reader, usersOnly bool, yield func(row) bool) error {
	capped := &cappedReader{r: text}
	lines := &lineCounter{r: capped}
	j := jsonReader{dec: json.NewDecoder(lines), at: lines.at, names: nameSet{usersOnly: usersOnly}, yield: yield}
	j.renew = func() { capped.limit = j.dec.InputOffset() + maxRowBytes }
	err := j.documents()
	if err == nil && j.page > 0 {
		return &LineError{Line: j.page, Msg: "this is one page of several: put the others behind it, " +
			`or take out "@odata.nextLink" if one is meant`}
	}
	if errors.Is(err, errTooLong) {
		line, _ := lines.at(j.next())
		return &LineError{Line: line, Msg: "an element from here on is longer than 1 MiB", Err: err}
	}
	if bad := jsonError(err); bad != nil {
		line, before := lines.at(j.next())
		bad.setPlace(line, before+1)
		return bad
	}
	return err
}

// jsonError returns the *LineError for broken JSON, without its line, or nil.
func jsonError(err error) *LineError {
	if le, ok := errors.AsType[*LineError](err); ok {
		return le
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &LineError{Msg: "the JSON ends too early: is the file complete?", Err: err}
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &LineError{Msg: "the JSON is broken: " + jsonMistake(err.Error()), Err: err}
	}
	return nil
}

// setPlace sets the line, and the column if it is that of a mistake in JSON.
func (e *LineError) setPlace(line, column int) {
	e.Line = line
	if _, ok := errors.AsType[*json.SyntaxError](e.Err); ok {
		e.Column = column
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

// A jsonReader reads JSON values, without keeping an array or an answer of Graph as a whole.
type jsonReader struct {
	dec   *json.Decoder
	at    func(offset int64) (line, column int) // of the byte before offset; offsets must not go back
	renew func()                                // allows the next element its size
	page  int                                   // line of the last document, if it says that more pages follow
	last  int                                   // the last line on which a row started
	names nameSet                               // of a row before its first key
	raw   json.RawMessage                       // the last value
	yield func(row) bool
}

// yieldAt yields a row that starts in a column. An object that also holds rows comes after them.
func (j *jsonReader) yieldAt(r row, column int) error {
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

// token returns the next token inside a value, where the text must not end.
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
	o := object{line: line, names: names}
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
		if !o.names.hasUser() && o.firstErr == nil {
			return nil
		}
		o.fail(errors.New(`the object is a row and also holds rows in "value": keep one of the two`))
	}
	return j.yieldAt(o.row(), column)
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
		a.more = a.more || value[0] == '"'
	case "@odata.context":
		a.names.context(unquote(value))
	}
}

// value reads the value of the key "value" on the top level. An array is not read as a whole,
// because it may hold all rows.
func (j *jsonReader) value(o *object, answer *graphAnswer) error {
	tok, err := j.token()
	switch {
	case err != nil:
		return err
	case tok != json.Delim('['):
		return j.skip(tok, func(text string) {
			if o.misnamed == nil && holdsGUID(text) {
				o.misnamed = misnamedColumn("value")
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
		tok, err := j.token()
		if err != nil {
			return err
		}
		line, column := j.at(j.dec.InputOffset()) // of the last byte of the token
		if tok == json.Delim('{') {
			err = j.object(line, column, names, false)
		} else if err = j.skip(tok, func(string) {}); err == nil {
			err = fmt.Errorf("the element is %s, but must be an object", kindOfToken(tok))
			err = j.yieldAt(row{line: line}.refuse(err), column)
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

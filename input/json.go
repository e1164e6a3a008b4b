package input

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
)

// readJSON hands out the rows of text: objects, arrays of objects and answers
// of Graph, one after another. Broken JSON ends it with a *LineError, because
// nothing tells where the next row would start.
func readJSON(text io.Reader, yield func(row) bool) error {
	limited := &budget{r: text}
	lines := &lineCounter{r: limited}
	j := jsonReader{dec: json.NewDecoder(lines), at: lines.at, yield: yield}
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
func readLines(text *bufio.Reader, yield func(row) bool) error {
	for n := 1; ; n++ {
		line, err := readLine(text)
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, errTooLong) {
			return err
		}
		var rows []row // of this line, none of which counts when it is broken
		if err == nil {
			rows, err = lineRows(line, n)
		}
		if bad := jsonError(err); bad != nil {
			bad.Line = n
			rows = []row{{line: n, err: bad}}
		} else if err != nil {
			rows = []row{{line: n, err: &LineError{Line: n, Msg: "the line is " + err.Error(), Err: err}}}
		}
		for _, r := range rows {
			if !yield(r) {
				return errStop
			}
		}
	}
}

// lineRows returns the rows of one line: mostly one, but a line may hold a
// whole document.
func lineRows(line []byte, n int) (rows []row, err error) {
	indent := len(line) - len(bytes.TrimLeftFunc(line, unicode.IsSpace))
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("{")) && json.Valid(line) {
		o, document := objectRow{line: n}, false
		members(line, func(key string, value []byte) {
			document = document || key == "value" && value[0] == '['
			o.take(key, value)
		})
		if !document {
			return []row{o.pair()}, nil
		}
	}
	j := jsonReader{
		dec:   json.NewDecoder(bytes.NewReader(line)),
		at:    func(offset int64) (int, int) { return n, indent + int(offset) },
		renew: func() {},
		yield: func(r row) bool { rows = append(rows, r); return true },
	}
	err = j.documents()
	return rows, err
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
	yield func(row) bool
}

// hand hands out a row that starts there. An object that also holds rows comes after them.
func (j *jsonReader) hand(r row, column int) bool {
	if r.line <= j.last {
		r.column = column
		if r.err != nil {
			r.err.Column = column
		}
	}
	j.last = max(j.last, r.line)
	return j.yield(r)
}

// next returns the offset just behind where the next token starts, for a
// mistake is mostly there, and that may be some lines below the last token.
func (j *jsonReader) next() int64 {
	rest, _ := io.ReadAll(j.dec.Buffered()) // from memory, bounded by the budget
	space := len(rest) - len(bytes.TrimLeft(rest, jsonSpace+",:"))
	return j.dec.InputOffset() + int64(space)
}

// token returns the next token, inside something, where the text must not end.
func (j *jsonReader) token() (json.Token, error) {
	tok, err := j.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return tok, err
}

// value returns the whole of the next value and where it starts.
func (j *jsonReader) value() (raw json.RawMessage, start int64, err error) {
	err = j.dec.Decode(&raw)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return raw, j.dec.InputOffset() - int64(len(raw)), err
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
			err = j.document()
		case json.Delim('['):
			err = j.elements(nameSet{})
		default:
			err = &LineError{Msg: "an object or an array has to start here"}
		}
		if err != nil {
			return err
		}
	}
}

// document reads the rest of an object on the top level, which is a row unless
// it is a Graph answer: a key "value" with an array holds the rows then.
func (j *jsonReader) document() error {
	line, column := j.at(j.dec.InputOffset())
	o := objectRow{line: line}
	list, more := false, false
	var rows nameSet // what the response says about its rows
	for j.dec.More() {
		tok, err := j.token()
		if err != nil {
			return err
		}
		key, _ := tok.(string) // the decoder lets nothing else be a key
		if key != "value" {
			raw, _, err := j.value()
			if err != nil {
				return err
			}
			more = more || key == "@odata.nextLink" && raw[0] == '"'
			if key == "@odata.context" {
				rows.context(unquote(raw))
			}
			o.take(key, raw)
			continue
		}
		if tok, err = j.token(); err != nil {
			return err
		}
		if tok != json.Delim('[') {
			err = j.skip(tok, func(text string) {
				if o.hidden == nil && holdsGUID(text) {
					o.hidden = hiddenPass(key)
				}
			})
		} else if list {
			return &LineError{Msg: `the object has two arrays "value"`}
		} else {
			list = true
			err = j.elements(rows)
		}
		if err != nil {
			return err
		}
	}
	if _, err := j.token(); err != nil {
		return err
	}
	j.page = 0
	if list && more {
		j.page = o.line
	}
	if list && !o.names.hasUser() && o.err == nil {
		return nil
	}
	if list {
		o.fail("", errors.New(`the object is a row and also holds rows in "value": keep one of the two`))
	}
	if !j.hand(o.pair(), column) {
		return errStop
	}
	return nil
}

// elements reads the elements of an array, and its end. The nameSet of each element starts
// as a copy of names.
func (j *jsonReader) elements(names nameSet) error {
	for j.renew(); j.dec.More(); j.renew() {
		raw, start, err := j.value()
		if err != nil {
			return err
		}
		line, column := j.at(start + 1)
		o := objectRow{line: line, names: names}
		r := row{line: o.line}
		if raw[0] == '{' {
			members(raw, o.take)
			r = o.pair()
		} else {
			r = r.refuse("", fmt.Errorf("the element is %s, and has to be an object", kind(raw[0])))
		}
		if !j.hand(r, column) {
			return errStop
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

package input

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
)

// maxUsersBytes bounds a list of users, which is kept as a whole: some 100,000
// users as Graph exports them, and many more in other forms.
const maxUsersBytes = 64 << 20

// A User is one row of a list of users. At least one of ID and UPN is set, both
// as written; both are where the row gives both.
type User struct {
	Source string // the list's name as it was given to ReadUsers
	Line   int    // on which the row starts, counted from 1
	ID     string // object id
	UPN    string // user principal name
}

// A userRow is one record of a list of users after the checks: either err is
// set or the user is good.
type userRow struct {
	line    int
	id, upn string
	err     *LineError
	refused bool // see LeftRefused
}

// ReadUsers reads lists that name users, whatever pass is named beside them: in
// all forms that Open knows, told apart by content alone, and as plain text with
// one user a line, which is recognised by its first user. Only the plain form
// may hold lines that start with #.
//
// It is never lenient, because it is for lists on which everybody counts: if rows
// are bad, the error is a *Problems and there are no users. A list without a user
// is an error. Standard input is not read. Of a list that read knows, each row counts, whatever
// became of its pair.
func ReadUsers(read Reader, names ...string) ([]User, error) {
	users, _, err := readLists(read, names, false)
	return users, err
}

// ReadScope is ReadUsers for lists that say where to look. It leaves out rows with LeftRefused
// that name no user, unless there are no others, and a list may have a header and no rows. The
// warnings say which lists these are.
func ReadScope(read Reader, names ...string) (users []User, warnings []string, err error) {
	return readLists(read, names, true)
}

func readLists(read Reader, names []string, lenient bool) (users []User, warnings []string, err error) {
	var problems Problems
	for _, name := range names {
		text, err := readWhole(name)
		if err != nil {
			return nil, nil, err
		}
		rows, left := 0, 0
		err = readUsers(name, text, read, func(r userRow) {
			switch {
			case r.err == nil:
				users = append(users, User{Source: name, Line: r.line, ID: r.id, UPN: r.upn})
			case r.refused && lenient:
				left++
				return
			default:
				r.err.Source = name
				problems.add(r.err)
			}
			rows++
		})
		const none = "no user in this list"
		_, hasText := firstLine(text)
		switch {
		case err != nil || rows > 0:
		case lenient && hasText && left == 0:
			warnings = append(warnings, name+": "+none)
		default:
			err = &LineError{Msg: none}
		}
		if left > 0 {
			warnings = append(warnings, fmt.Sprintf("%s: rows left out, because the run of this log refused them "+
				"and they name no user: %d", name, left))
		}
		if le, ok := errors.AsType[*LineError](err); ok {
			le.Source = name
			problems.add(le)
			problems.Cut = true
		} else if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	if problems.Count > 0 {
		return nil, nil, &problems
	}
	return users, warnings, nil
}

// readWhole returns the text of a list, decoded.
func readWhole(name string) ([]byte, error) {
	if name == "-" {
		return nil, errors.New("a list of users is not read from standard input: name a file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading list: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(decode(f), maxUsersBytes+1))
	if err == nil && len(text) > maxUsersBytes {
		err = errors.New("longer than 64 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return text, nil
}

// readUsers hands out the rows of text. A *LineError that it returns, unlike one
// inside a row, means that the rest cannot be read.
func readUsers(name string, text []byte, read Reader, yield func(userRow)) error {
	if read != nil && len(bytes.TrimSpace(text)) > 0 {
		rows, err := read(name, text[:min(len(text), bufferBytes)], func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(text)), nil
		})
		if rows != nil || err != nil {
			return foreignUsers(rows, err, yield)
		}
	}
	first, found := firstLine(text)
	switch {
	case !found || isPlain(text, true):
		return plainUsers(text, yield)
	case first[0] == '[' || first[0] == '{':
		return jsonUsers(text, yield)
	}
	err := csvUsers(text, yield)
	if le, ok := errors.AsType[*LineError](err); ok && le.Line == 1 && !strings.ContainsAny(first, ",;\t") {
		// The header of one column that names no user may well be a mistyped user.
		le.Msg += "; in a list of one user on each line, the first has to be a user too"
	}
	return err
}

// firstLine returns the first line that says something.
func firstLine(text []byte) (string, bool) {
	for line := range bytes.Lines(text) {
		if s, ok := plainLine(line); ok {
			return s, true
		}
	}
	return "", false
}

// plainLine returns what the line says, without quotes around it. The bool is false for an
// empty line, a comment and Excel's line "sep=;".
func plainLine(line []byte) (string, bool) {
	s := trim(string(line))
	if n := len(s); n > 1 && s[0] == '"' && s[n-1] == '"' {
		s = trim(s[1 : n-1])
	}
	return s, s != "" && s[0] != '#' && (len(s) > len("sep=;") || !strings.HasPrefix(s, "sep="))
}

func plainUsers(text []byte, yield func(userRow)) error {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if s, ok := plainLine(line); ok {
			rec := record{nameUser: s}
			yield(rec.users(row{line: n}))
		}
	}
	return nil
}

// users takes every user that the row names, where rec.row takes the first. What
// is wrong with the row as a whole, r says.
func (rec *record) users(r row) userRow {
	u := userRow{line: r.line, err: r.err}
	var who person
	for _, v := range rec[nameUserID : nameUPN+1] {
		if u.err != nil {
			return u
		}
		if v == "" {
			continue
		}
		err := CheckUser(v)
		if err == nil {
			err = who.add(v)
		}
		if err != nil {
			u.err = r.refuse("user", err).err
		}
	}
	u.id, u.upn = who.id, who.upn
	return u
}

// foreignUsers hands out the users of the rows that a Reader reads, if err is nil.
func foreignUsers(rows iter.Seq2[Row, error], err error, yield func(userRow)) error {
	if err != nil {
		return err
	}
	for r, err := range rows {
		if err != nil {
			return err
		}
		rec := record{nameUser: r.User, nameUPN: r.UPN}
		u := rec.users(row{line: r.Line})
		if u.refused = r.Left == LeftRefused; u.err == nil && u.id == "" && u.upn == "" {
			u.err = row{line: r.Line}.refuse("user", errors.New("no user in this row")).err
		}
		if u.refused && u.err != nil {
			u.err.Msg = "the run of this log refused the row, and it names no user: name the user in a list of its own"
		}
		yield(u)
	}
	return nil
}

func csvUsers(text []byte, yield func(userRow)) error {
	br := bufio.NewReaderSize(bytes.NewReader(text), bufferBytes)
	h, err := readHeader(br, true)
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	r := csv.NewReader(br)
	r.Comma = h.comma
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return csvError(err, h.lines)
		}
		if h.passOver(fields) {
			continue
		}
		line, _ := r.FieldPos(0)
		yield(h.users(fields, h.lines+line))
	}
}

// users has h.row check the record without its pass.
func (h *header) users(fields []string, line int) userRow {
	var rec record
	for n, has := range h.has {
		if i := h.index[n]; !has || i >= len(fields) {
			continue
		} else if name(n) <= nameUPN {
			rec[n] = PlainValue(trim(fields[i]))
		} else {
			fields[i] = ""
		}
	}
	return rec.users(h.row(fields, line))
}

// jsonUsers reads JSON and JSON Lines, which are JSON documents one after another.
func jsonUsers(text []byte, yield func(userRow)) error {
	j := usersReader{text: text, line: 1, yield: yield}
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err == io.EOF {
			return j.complete()
		}
		if err != nil {
			bad := jsonError(err)
			if bad == nil {
				return err
			}
			at := int64(len(text))
			if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
				at = min(syntax.Offset, at)
			}
			bad.Line = j.lineOf(text[at:])
			return bad
		}
		end := int(dec.InputOffset())
		if err := j.document(text[end-len(raw) : end]); err != nil {
			return err
		}
	}
}

// A usersReader walks through the documents of a text.
type usersReader struct {
	text  []byte
	at    int // where line was counted up to
	line  int
	page  int // line of the last document, if that says that more follows
	yield func(userRow)
}

// lineOf returns the line on which part starts, a slice of the text: they end at
// the same capacity, so its own tells where it starts. Parts must not go back.
func (j *usersReader) lineOf(part []byte) int {
	at := max(j.at, cap(j.text)-cap(part))
	j.line += bytes.Count(j.text[j.at:at], []byte{'\n'})
	j.at = at
	return j.line
}

// complete refuses a list that says of itself that users are missing in it.
func (j *usersReader) complete() error {
	if j.page > 0 {
		return &LineError{Line: j.page, Msg: `this is one page of several: put the others behind it, or take out "@odata.nextLink" if one is meant`}
	}
	return nil
}

// document reads an array, a Graph answer or a row.
func (j *usersReader) document(raw []byte) error {
	line := j.lineOf(raw)
	switch raw[0] {
	case '[':
		j.elements(raw, nameSet{usersOnly: true})
		return nil
	case '{':
	default:
		return &LineError{Line: line, Msg: "an object or an array has to start here"}
	}
	o := objectRow{line: line, names: nameSet{usersOnly: true}}
	rows := o.names // what the response says about its rows
	var list []byte
	lists, more := 0, false
	members(raw, func(key string, value []byte) {
		if key == "value" && value[0] == '[' {
			list = value
			lists++
			return
		}
		more = more || key == "@odata.nextLink" && value[0] == '"'
		if key == "@odata.context" {
			rows.context(unquote(value))
		}
		o.takeUser(key, value)
	})
	j.page = 0
	switch {
	case lists > 1:
		return &LineError{Line: line, Msg: `the object has two arrays "value"`}
	case lists == 0:
		j.row(&o)
		return nil
	case o.names.hasUser() || o.err != nil:
		o.fail("", errors.New(`the object is a row and also holds rows in "value": keep one of the two`))
		j.row(&o)
	}
	if more {
		j.page = line
	}
	j.elements(list, rows)
	return nil
}

// elements reads the rows in an array, which is valid JSON. The nameSet of each element starts
// as a copy of names.
func (j *usersReader) elements(raw []byte, names nameSet) {
	rest := bytes.TrimLeft(raw[1:], jsonSpace)
	for rest[0] != ']' {
		n := valueLen(rest)
		o := objectRow{line: j.lineOf(rest), names: names}
		if rest[0] == '{' {
			members(rest[:n], o.takeUser)
		} else {
			o.fail("", fmt.Errorf("the element is %s, and has to be an object", kind(rest[0])))
		}
		j.row(&o)
		rest = bytes.TrimLeft(rest[n:], jsonSpace+",")
	}
}

// takeUser is take without the pass: its name still tells what other names mean.
func (o *objectRow) takeUser(key string, value []byte) {
	if n, known := names[fold(key)]; known && n >= nameMethod {
		value = []byte("null")
	}
	o.take(key, value)
}

// row hands out an object.
func (j *usersReader) row(o *objectRow) { j.yield(o.values.users(o.pair())) }

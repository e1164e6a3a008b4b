package input

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A row is one record of a list after the checks. Either err is set, or the row names a user. In
// a refused row, user and method are as written.
type row struct {
	line, column int
	user, method string
	upn          string // if user is an object ID and the row also has a user principal name
	creation     Creation
	err          *LineError

	left Left // of a row that Options.Reader reads
}

func (r row) refuse(err error) row {
	r.err = &LineError{Line: r.line, Column: r.column, Msg: err.Error(), Err: err}
	return r
}

// A record is the trimmed values of one row, by the names for which they stand.
type record [nameCount]string

// sameID reports whether the value of id is also the value of another user column.
func (rec *record) sameID() bool {
	return rec[nameID] != "" && slices.ContainsFunc(rec[:nameID], func(v string) bool {
		return strings.EqualFold(v, rec[nameID])
	})
}

// row checks the values, and chooses those that identify the user and the pass.
func (rec *record) row(line int) row {
	r := row{line: line}
	who, firstUser, userErr := rec.person()
	method, methodErr := rec.method()
	r.user, r.method = firstUser, method
	switch {
	case methodErr != nil:
		return r.refuse(methodErr)
	case r.user != "" && CheckUser(r.user) != nil && strings.Contains(method, "@") && CheckUser(method) == nil:
		r.user = "" // it may be the pass itself
		return r.refuse(errors.New("the method column holds a user: " +
			"the values of user and method are swapped"))
	}
	if err := CheckUser(r.user); err != nil {
		return r.refuse(err)
	}
	switch {
	case userErr != nil:
		return r.refuse(userErr)
	case isNull(method):
		return r.refuse(nullPass(show(method)))
	case method != "" && CheckMethod(method) != nil:
		return r.refuse(CheckMethod(method))
	case who.id != "":
		r.user, r.upn = who.id, who.upn
	}
	return r
}

// person returns the user whom the row names, and the first of the names.
func (rec *record) person() (who person, first string, err error) {
	for _, v := range rec[nameUserID : nameUPN+1] {
		if v == "" {
			continue
		}
		if first == "" {
			first = v
		}
		if bad := who.add(v); err == nil {
			err = bad
		}
	}
	return who, first, err
}

// method returns the pass that the row names, and "" if it names none.
func (rec *record) method() (method string, err error) {
	for _, v := range rec[nameMethod : nameTAPMethodID+1] {
		switch {
		case method == "":
			method = v
		case v != "" && !strings.EqualFold(method, v):
			return method, fmt.Errorf("method is given twice, as %s and as %s", showMethod(method), showMethod(v))
		}
	}
	return method, nil
}

// isNull reports whether s is a value that exports write where there is none. It is refused as
// a pass: the row may be of a user without a pass, and must not mean any pass.
func isNull(s string) bool {
	switch strings.ToLower(s) {
	case "null", "(null)", "nil", "none", "n/a", "#n/a", "na", "-", "undefined":
		return true
	}
	return false
}

// nullPass returns the error for a pass that is given as a null value.
func nullPass(value string) error {
	return fmt.Errorf("method is %s: leave it empty if any pass of the user is meant, or remove the row", value)
}

// A person holds the names that one row gives for its user. The object ID decides: a user
// principal name can change, and then belong to somebody else, between the export and the run.
// Source: learn.microsoft.com/graph/api/resources/user, properties id and userPrincipalName.
type person struct{ id, upn string }

// add adds the next name. A row may give both an object ID and a user principal name. Two
// different names of the same kind are an error, because they name two users, and so is a value
// that is not a name.
func (p *person) add(v string) error {
	form := &p.upn
	if isGUID(v) {
		form = &p.id
	} else if err := CheckUser(v); err != nil && !isName(v) {
		// Beside an object ID, a name with characters outside ASCII will do.
		return fmt.Errorf("%w; correct it, or rename the column if it names no users", err)
	}
	if *form == "" {
		*form = v
	} else if !strings.EqualFold(*form, v) {
		return fmt.Errorf("the row names two users, %s and %s: keep one of them, or make two rows",
			showUser(*form), showUser(v))
	}
	return nil
}

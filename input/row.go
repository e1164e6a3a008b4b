package input

import (
	"cmp"
	"fmt"
	"strings"
)

func (r ListRow) refuse(err error) ListRow {
	r.Err = &LineError{Source: r.Source, Line: r.Line, Column: r.Column, Msg: err.Error(), Err: err}
	return r
}

// fill sets the user and the pass. users are all names of the user in the row, and passes are all pass IDs in it. Empty
// texts are ignored.
func (r ListRow) fill(users, passes []string) ListRow {
	err := r.setPass(passes)
	if bad := r.setUser(users); err == nil {
		err = bad
	}
	if err != nil {
		return r.refuse(err)
	}
	return r
}

// setPass sets the pass. All IDs must be the same.
func (r *ListRow) setPass(ids []string) error {
	for _, id := range ids {
		if id == "" {
			continue
		}
		if err := CheckMethod(id); err != nil {
			r.Method = cmp.Or(r.Method, id) // for display
			return err
		}
		if err := setOnce(&r.Method, id, "the row names two passes"); err != nil {
			return err
		}
	}
	return nil
}

// setUser sets the user. A row may have both an object ID and a user principal name. The object ID decides, because a
// user principal name can change between the export and the run, and then belong to somebody else. Two different names
// of the same kind are an error, because they name two users. A value that is not a name is also an error.
// Source: learn.microsoft.com/graph/api/resources/user, properties id and userPrincipalName.
func (r *ListRow) setUser(names []string) error {
	var id, upn string
	for _, name := range names {
		r.User = cmp.Or(r.User, name) // for display, if the row is refused
		form := &upn
		switch {
		case name == "":
			continue
		case IsGUID(name):
			form = &id
		case !isName(name): // with an object ID, characters outside ASCII in the name do no harm
			return CheckUser(name)
		}
		if err := setOnce(form, name, "the row names two users"); err != nil {
			return err
		}
	}
	if id == "" {
		return CheckUser(upn)
	}
	r.User, r.UPN = id, upn
	return nil
}

// setOnce sets a field to a value. It returns an error if the field has another value.
func setOnce(field *string, value, conflict string) error {
	if *field != "" && !strings.EqualFold(*field, value) {
		return fmt.Errorf(`%s, "%s" and "%s": keep one of them, or make two rows`,
			conflict, shown(*field), shown(value))
	}
	*field = cmp.Or(*field, value)
	return nil
}

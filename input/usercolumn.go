package input

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// take finds out what the columns mean.
func (h *header) take(fields []string) error {
	if strings.HasPrefix(fields[0], "PK\x03\x04") {
		return errors.New("this is a workbook or another zip file: save it as CSV")
	}
	if strings.Contains(fields[0], "\x00") {
		return errors.New("this looks like UTF-16 without a byte order mark: save it as UTF-8")
	}
	h.fields = fields
	set := nameSet{usersOnly: h.usersOnly}
	for i, f := range fields {
		column := h.column(f)
		n, m, err := set.add(column)
		if err != nil {
			return err
		}
		switch m {
		case naming:
			h.index[n] = i
		case unknown:
			h.unknown = append(h.unknown, i)
		case ofKind:
			h.kinds = append(h.kinds, i)
		case ofCreation:
			h.creation = append(h.creation, i)
		}
		if column != "" {
			h.width = i + 1
		}
	}
	idIsPass, err := set.resolve()
	if err != nil {
		return err
	}
	if idIsPass {
		h.index[nameMethodID] = h.index[nameID]
		delete(h.index, nameID)
	}
	h.unclearID = set.unclearID
	if h.usersOnly {
		maps.DeleteFunc(h.index, func(n name, _ int) bool { return n >= nameMethod })
	} else {
		h.notAList = set.log()
	}
	if idIsPass || h.usersOnly || set.hasMethod() {
		h.unknown = nil
	}
	if !set.hasUser() {
		return noUserColumn(fields)
	}
	return nil
}

// noUserColumn returns the error for a first line without a user column. If the line names a
// user, it is a row. A row or a line of another file may contain a pass or another secret, so
// the error shows only names of known columns and words too short for a pass in full.
func noUserColumn(fields []string) error {
	const want = "the first line must name the columns, such as user,method"
	isUser := func(f string) bool { return CheckUser(trim(f)) == nil }
	isUPN := func(f string) bool { return strings.Contains(f, "@") && isUser(f) }
	if len(fields) > 1 && !slices.ContainsFunc(fields, func(f string) bool { return !isUPN(f) }) {
		return fmt.Errorf("the first line names %d users: put each user on a line of its own", len(fields))
	}
	var shown []string
	cut := ""
	for _, f := range fields[:min(len(fields), maxProblems)] {
		folded := fold(trim(f))
		_, known := names[folded]
		switch {
		case slices.Contains([]string{"mail", "email", "emailaddress", "username"}, folded):
			return fmt.Errorf("no user column in the header, because %s is not always the user principal name: "+
				"if it is here, rename it to userPrincipalName", show(f))
		case isUser(f):
			return errors.New("there is no header, because the first line is already a row: " + want)
		case known, columns[folded] != unknown, utf8.RuneCountInString(trim(f)) < minPass:
			shown = append(shown, show(trim(f)))
		default:
			shown = append(shown, showMethod(trim(f)))
			cut = " (a word of 8 characters or more may be a pass, so it is not shown in full)"
		}
	}
	hint := ""
	if len(fields) == 1 { // it may well be a mistyped user
		hint = "; in a list of one user on each line, the first has to be a user too"
	}
	return fmt.Errorf("no user column in the header %s%s: %s; the user column can be %s, the pass column %s%s",
		strings.Join(shown, " "), cut, want, userNames, methodNames, hint)
}

package input

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// An object collects the members of a JSON object, which is a row.
type object struct {
	line     int
	names    nameSet
	values   record
	creation Creation
	nulls    [nameCount]bool // the names whose value is null
	misnamed error           // set if an unknown name holds a GUID
	firstErr error           // the first thing wrong with the object
}

func (o *object) fail(err error) { o.firstErr = cmp.Or(o.firstErr, err) }

// take records a member, whose value is valid JSON.
func (o *object) take(key string, value json.RawMessage) {
	n, m, err := o.names.add(key)
	switch {
	case err == nil && m == naming && n >= nameMethod && o.names.usersOnly:
	case err != nil:
		o.fail(err)
	case m != naming:
		o.describe(m, key, value)
	case value[0] == 'n':
		o.nulls[n] = true
	case value[0] == '"':
		o.values[n] = trim(unquote(value))
	default:
		o.fail(fmt.Errorf("%s is %s, but must be a string", show(key), kindOfValue(value)))
	}
}

// describe records a member that identifies neither the user nor the pass.
func (o *object) describe(m meaning, key string, value json.RawMessage) {
	text := unquote(value)
	switch folded := fold(key); {
	case m == unknown && o.misnamed == nil && !o.names.hasMethod():
		if holdsGUID(text) || text == "" && holdsGUID(string(value)) {
			o.misnamed = misnamedColumn(key)
		}
	case m == ofCreation:
		o.creation.Set(key, text)
	case folded == "@odata.context":
		o.names.context(text)
	case folded == "additionalproperties" && value[0] == '{': // PowerShell puts the type there
		var properties map[string]json.RawMessage
		if json.Unmarshal(value, &properties) == nil && properties["@odata.type"] != nil {
			o.describe(ofKind, "@odata.type", properties["@odata.type"])
		}
	case m == ofKind:
		if folded == "@odata.type" {
			o.names.odataType(text)
		}
		if text == "" {
			text = string(value)
		}
		if err := checkKind(key, text); err != nil && value[0] != 'n' {
			o.fail(err)
		}
	}
}

// row returns the object as a row.
func (o *object) row() row {
	idIsPass, err := o.names.resolve()
	if idIsPass {
		o.values[nameMethodID], o.values[nameID] = o.values[nameID], ""
		o.nulls[nameMethodID] = o.nulls[nameID]
		if o.names.usersOnly {
			o.values[nameMethodID] = ""
		}
	}
	r := o.values.row(o.line)
	r.creation = o.creation
	switch {
	case o.firstErr != nil:
		return r.refuse(o.firstErr)
	case err != nil:
		return r.refuse(err)
	case o.names.unclearID != nil && !o.values.sameID():
		return r.refuse(o.names.unclearID)
	case !o.names.hasUser():
		return r.refuse(errors.New("no user: the object has none of the keys " + userNames))
	case r.err != nil, r.method != "", o.names.usersOnly:
		return r
	}
	// The row means any pass, unless it shows that something else was meant.
	switch notAList := o.names.log(); {
	case notAList != nil:
		return r.refuse(notAList)
	case slices.Contains(o.nulls[nameMethod:nameTAPMethodID+1], true):
		return r.refuse(nullPass("null"))
	case o.misnamed != nil && !idIsPass && !o.names.hasMethod():
		return r.refuse(o.misnamed)
	}
	return r
}

// unquote returns the text of a JSON string, and "" for any other value.
func unquote(value json.RawMessage) string {
	if value[0] != '"' {
		return ""
	}
	if slices.Contains(value, '\\') {
		var s string
		_ = json.Unmarshal(value, &s) // cannot fail, value is valid
		return s
	}
	return string(value[1 : len(value)-1])
}

// kindOfValue names the type of a JSON value, for a message.
func kindOfValue(value json.RawMessage) string {
	tok, _ := json.NewDecoder(bytes.NewReader(value)).Token() // cannot fail, value is valid
	return kindOfToken(tok)
}

// kindOfToken is kindOfValue for the value that starts with a token.
func kindOfToken(tok json.Token) string {
	switch tok.(type) {
	case json.Delim:
		if tok == json.Delim('[') {
			return "an array"
		}
		return "an object"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case nil:
		return "null"
	}
	return "a number"
}

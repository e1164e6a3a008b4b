package results

import (
	"bytes"
	"iter"
	"reflect"
	"strings"
	"unicode/utf8"
)

// A keySet has the exact keys of a kind of line by their form in lower case.
type keySet map[string]string

// lineKeys has the keys of each kind of line.
var lineKeys = map[string]keySet{"run": keysOf[Header](), "result": keysOf[Row](), "wait": keysOf[Wait](),
	"scanned": keysOf[Scanned](), "end": keysOf[End]()}

func keysOf[Line any]() keySet {
	keys := make(keySet)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Line]()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			keys[strings.ToLower(name)] = name
		}
	}
	return keys
}

// odd returns the first key of a line that is a known key in another spelling, or "". encoding/json reads it as the
// known key, which may be in the line too, and a person who reads the log sees that one. line is valid JSON.
func (known keySet) odd(line []byte) string {
	for key := range topKeys(line) {
		if bytes.ContainsFunc(key, func(r rune) bool { return r == '\\' || r >= utf8.RuneSelf }) {
			return string(key)
		}
		exact, isKnown := known[string(key)] // this does not allocate, and most keys are in lower case
		if !isKnown {
			exact, isKnown = known[strings.ToLower(string(key))]
		}
		if isKnown && exact != string(key) {
			return string(key)
		}
	}
	return ""
}

// topKeys yields the keys of an object as they are written, without those of objects in it.
func topKeys(line []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		depth, isKey := 0, false
		for i := 0; i < len(line); i++ {
			switch line[i] {
			case '{', '[':
				depth++
				isKey = depth == 1
			case '}', ']':
				depth--
			case ',':
				isKey = depth == 1
			case ':':
				isKey = false
			case '"':
				start := i + 1
				for i++; i < len(line) && line[i] != '"'; i++ {
					if line[i] == '\\' {
						i++
					}
				}
				if isKey && !yield(line[start:min(i, len(line))]) {
					return
				}
			}
		}
	}
}

package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"tapsweep/batch"
	"tapsweep/input"
)

// decodeText is the text of a small file, decoded as lists are.
func decodeText(data []byte) (string, error) {
	text, err := io.ReadAll(input.Decode(bytes.NewReader(data)))
	return string(text), err
}

// secretIn is the one secret that a text holds. Its errors do not show the text.
func secretIn(data []byte) (string, error) {
	text, err := decodeText(data)
	if err != nil {
		return "", err
	}
	text = trim(text)
	batch.Conceal(text)
	return text, checkSecret(text)
}

// assignment is a line of a file of variables or of a script. Entra's secrets may hold an
// equals sign, but do not begin with such a name.
var assignment = regexp.MustCompile(`(?i)^(?:(?:export|set|declare -x)\s+|\$env:|-+)?(?:[a-z_][\w.-]*?)?` +
	`(?:secret|password|passwd|pwd|token|key|value)\w*["']?\s*[=:]`)

// checkSecret refuses what stands around a secret. It is quoted by no error. The empty text
// is left to the caller.
func checkSecret(text string) error {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || r == 0 }):
		return errors.New("is not text: write the secret alone into it, as UTF-8")
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return errors.New("holds JSON: write the secret's value alone, without anything around it")
	case assignment.MatchString(text):
		return errors.New("holds a name before the secret, as NAME=value: write the secret's value alone")
	case quoted(text):
		return errors.New("begins and ends with quotes, which are no part of a secret: write it without them")
	case strings.ContainsAny(text, "\r\n"):
		return errors.New("holds more than one line: write the secret's value alone")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return errors.New("holds a space, which is no part of a secret: write the secret's value alone")
	}
	return nil
}

// quotes begin and end a text that was quoted, by hand or by a word processor.
const quotes = "\"'`“”‘’„«»"

func quoted(text string) bool {
	r := []rune(text)
	return len(r) > 1 && strings.ContainsRune(quotes, r[0]) && strings.ContainsRune(quotes, r[len(r)-1])
}

// trim takes away spaces and line ends at both ends, and characters that nobody sees.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// checkPlain refuses a value, which is no secret, that was quoted twice or copied with what
// stood around it.
func checkPlain(name, value string) error {
	switch {
	case quoted(trim(value)):
		return usage("%s holds quotes: %s: set it without them", name, shownValue(value))
	case value != trim(value):
		return usage("%s begins or ends with a space or a line end: %s: set it without", name, shownValue(value))
	}
	return nil
}

// shownValue shows a value as it is, with what is not seen as an escape.
func shownValue(value string) string {
	if strings.ContainsRune(value, '"') && !strings.ContainsAny(value, "\r\n\t") {
		return "'" + batch.Printable(value) + "'"
	}
	return fmt.Sprintf("%q", batch.Printable(value))
}

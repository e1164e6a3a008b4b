package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"tapsweep/batch/safetext"
	"tapsweep/input"
)

// decodeText returns the text of a small file, decoded like a list.
func decodeText(data []byte) (string, error) {
	text, err := io.ReadAll(input.Decode(bytes.NewReader(data)))
	return string(text), err
}

// assignment matches a line of an .env file or of a script. A secret of Entra may contain an equals sign, but does not
// begin with such a name.
var assignment = regexp.MustCompile(`(?i)^(?:(?:export|set|declare -x)\s+|\$env:|-+)?(?:[a-z_][\w.-]*?)?` +
	`(?:secret|password|passwd|pwd|token|key|value)\w*["']?\s*[=:]`)

// checkSecret returns an error if text has more than a secret or a token. The error does not quote the text. The caller
// checks for an empty text.
func checkSecret(text string) error {
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || r == 0 }):
		return errors.New("it is not text: write only the value, as UTF-8")
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		return errors.New("it contains JSON: write only the value")
	case assignment.MatchString(text):
		return errors.New("it contains a name before the value, as in NAME=value: write only the value")
	case quoted(text):
		return errors.New("it begins and ends with quotes: remove them")
	case strings.ContainsAny(text, "\r\n"):
		return errors.New("it contains more than one line: write only the value")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return errors.New("it contains a space: write only the value")
	}
	return nil
}

// quotes are the characters around a quoted text, including those of word processors.
const quotes = "\"'`“”‘’„«»"

func quoted(text string) bool {
	r := []rune(text)
	return len(r) > 1 && strings.ContainsRune(quotes, r[0]) && strings.ContainsRune(quotes, r[len(r)-1])
}

// trim removes spaces, line ends and invisible characters at both ends.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
}

// checkPlain returns an error if a value has quotes or spaces around it. The error shows the
// value, which must not be a secret.
func checkPlain(name, value string) error {
	switch {
	case quoted(trim(value)):
		return usage("%s holds quotes: %s: remove them", name, shownValue(value))
	case value != trim(value):
		return usage("%s begins or ends with a space or a line end: %s: remove it", name, shownValue(value))
	}
	return nil
}

// shownValue returns a value in quotes, with invisible characters as escapes.
func shownValue(value string) string {
	if strings.ContainsRune(value, '"') && !strings.ContainsAny(value, "\r\n\t") {
		return "'" + safetext.Printable(value) + "'"
	}
	return fmt.Sprintf("%q", safetext.Printable(value))
}

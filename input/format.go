package input

import (
	"bytes"
	"unicode"
)

const (
	formatCSV   = "csv"
	formatJSON  = "json"
	formatLines = "jsonl"

	// Further formats, which are recognized by content.
	formatPlain = "plain" // one user per line
	formatSelf  = "self"  // one pair, from Options.Self
)

// extensions map the extensions of files to formats.
var extensions = map[string]string{".csv": formatCSV, ".tsv": formatCSV, ".json": formatJSON,
	".jsonl": formatLines, ".ndjson": formatLines}

// Formats are the values of Options.Format.
var Formats = []string{formatCSV, formatJSON, formatLines}

// recognize decides how to read the list, and finds out whether it is empty. read is asked
// first, and may be nil; it is not asked if the list does not have the format that
// Options.Format gives. Then the extension or Options.Format, the first character and the
// beginning of the text decide.
func (s *source) recognize(read Reader) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	start, err := Decode(f).Peek(bufferBytes)
	whole := err != nil // an error comes again with the first read
	if err := f.Close(); err != nil {
		return err
	}
	first := bytes.TrimLeftFunc(start, unicode.IsSpace)
	json := len(first) > 0 && (first[0] == '[' || first[0] == '{')
	asks := s.given == "" || s.given == formatCSV && !json || s.given != formatCSV && bytes.IndexByte(start, '{') >= 0
	if read != nil && len(first) > 0 && asks {
		if err := s.askReader(read, start); s.foreign != nil || err != nil {
			return err
		}
	}
	var plain bool
	plain, s.blank = isPlain(start, whole)
	switch {
	case s.format == formatLines && json && isIndented(first):
		s.format = formatJSON
	case s.format != "" && s.format != formatCSV:
	case plain, s.blank:
		s.format = formatPlain
	case s.format == "" && json:
		s.format = formatJSON
	default:
		s.format = formatCSV
	}
	return nil
}

// isIndented reports whether a JSON value continues after its first line. Then the text is
// not JSON Lines, whatever the name of the file.
func isIndented(text []byte) bool {
	line, _, more := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSpace(line)
	return more && bytes.IndexByte([]byte("{[,:"), line[len(line)-1]) >= 0
}

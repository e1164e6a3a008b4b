package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"tapsweep/batch"
	"tapsweep/input"
)

// A LineError says which line of a file is not part of a results log.
type LineError struct {
	Line int // from 1
	What string
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d %s", e.Line, e.What) }

// notALine returns the error for a line that is not part of a results log. err is the error
// of decoding it as JSON, and may be nil.
func notALine(n int, line []byte, err error) error {
	text := bytes.TrimRight(line, "\r\n")
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return &LineError{n, "is empty, and a results log has no empty lines"}
	case len(bytes.Trim(text, "\x00")) == 0:
		return &LineError{n, "holds NUL bytes only: the machine has crashed, " +
			"or the log was truncated while a run was writing to it"}
	case err == nil || !bytes.HasPrefix(text, []byte("{")):
		return &LineError{n, fmt.Sprintf("is not part of a results log: it begins with %q; "+
			"was standard error mixed into the log?",
			batch.Printable(string(text[:min(len(text), 40)])))}
	}
	return &LineError{n, "is broken: " + err.Error()}
}

// IsStray is input.IsStray for line n of a file. If a line of a log follows other text on the
// same line, it returns a *LineError, because skipping the line would lose a row.
func IsStray(n int, line []byte) (bool, error) {
	stray, glued := input.IsStray(line)
	if glued > 0 {
		return false, &LineError{n, fmt.Sprintf("has %q before a line of a results log: remove it "+
			"(kubectl logs adds it with --timestamps or --prefix)", batch.Printable(string(line[:min(glued, 40)])))}
	}
	return stray, nil
}

// utf8Mark is the byte order mark that Windows writes at the start of UTF-8 text.
var utf8Mark = []byte("\xEF\xBB\xBF")

// checkUTF8 returns an error for a log in UTF-16, to which no row can be added.
func checkUTF8(f io.ReaderAt) error {
	var mark [2]byte
	if n, _ := f.ReadAt(mark[:], 0); n == 2 && (mark == [2]byte{0xFF, 0xFE} || mark == [2]byte{0xFE, 0xFF}) {
		return errors.New("it is UTF-16, which > of Windows PowerShell writes, but new rows are UTF-8: " +
			"make a copy in UTF-8 (Get-Content LOG | Out-File -Encoding utf8 COPY) and resume with that; " +
			"next time, write the log with --results")
	}
	return nil
}

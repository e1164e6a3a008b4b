package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"tapsweep/input"
)

// marks are the byte order marks of UTF-16 and of UTF-8.
var marks = []string{"\xFF\xFE", "\xFE\xFF", "\xEF\xBB\xBF"}

// transcode replaces a log that is not plain UTF-8, such as one written by Windows
// PowerShell's >, with a private copy in UTF-8. The copy is needed because rows are found by
// their offsets.
func (lg *log) transcode() error {
	var mark [3]byte
	n, err := lg.file.ReadAt(mark[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	if !slices.ContainsFunc(marks, func(m string) bool { return bytes.HasPrefix(mark[:n], []byte(m)) }) {
		return nil
	}
	sum := sha256.New()
	text := input.Decode(io.TeeReader(io.NewSectionReader(lg.file, 0, lg.bytes), sum))
	f, err := os.CreateTemp("", "tapsweep-log-*") // mode 0600
	if err != nil {
		return fmt.Errorf("reading it in UTF-8: %w", err)
	}
	if os.Remove(f.Name()) != nil { // Windows refuses this; there Close removes it
		lg.spool = f.Name()
	}
	named := lg.file
	lg.file = f
	if lg.size, err = io.Copy(f, text); err != nil {
		err = fmt.Errorf("reading it in UTF-8: %w", err)
	}
	lg.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return errors.Join(err, named.Close())
}

package fileout

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A ThereError is returned if the file that a flag names already exists. It is an fs.ErrExist.
type ThereError struct{ Flag, Path string }

func (e *ThereError) Error() string        { return e.Flag + ": " + e.Path + " already exists" }
func (e *ThereError) Is(target error) bool { return target == fs.ErrExist }

// Hints returns what to do next.
func (e *ThereError) Hints() []string {
	hint := "choose another " + e.Flag + " file, or replace it with --overwrite"
	if e.Flag == "--results" {
		return []string{"to resume the run of the log, use --resume", hint}
	}
	return []string{hint}
}

// Check returns an error if writing a file would replace another file, or is not possible. The error contains the flag
// that names the file. The paths "-" and "" are accepted.
func Check(flag, path string, mayExist bool) error {
	if path == "-" || path == "" {
		return nil
	}
	there, err := os.Stat(path)
	if err != nil {
		if _, err := os.Stat(filepath.Dir(path)); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		return nil
	}
	if there.IsDir() {
		return fmt.Errorf("%s: %s is a directory", flag, path)
	}
	if !mayExist && there.Mode().IsRegular() {
		return &ThereError{flag, path}
	}
	return nil
}

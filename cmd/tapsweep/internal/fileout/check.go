package fileout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A thereError is an fs.ErrExist in our words.
type thereError struct{ what string }

func (e *thereError) Error() string        { return e.what + " is there already" }
func (e *thereError) Is(target error) bool { return target == fs.ErrExist }

// Check returns an error if writing a file would destroy something, or is not possible. The flag
// names the file in the error. The name "-" and an empty name are accepted.
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
		return &thereError{flag + ": " + path}
	}
	return nil
}

// Hints returns what to do about an error of Check.
func Hints(flag string, err error) []string {
	if errors.Is(err, fs.ErrExist) {
		return []string{"choose another " + flag + " file, or replace it with --overwrite"}
	}
	return nil
}

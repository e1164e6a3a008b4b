package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A TrustError is returned if another user may have written to a file or directory, or if this user may not. A
// forged log would make a run skip passes and report success.
type TrustError struct {
	Path string
	Why  string // the reason; the text follows the path
	Hint string // what to do
}

func (e *TrustError) Error() string { return fmt.Sprintf("%s %s", e.Path, e.Why) }

// Hints returns the Hint.
func (e *TrustError) Hints() []string { return []string{e.Hint} }

// CheckTrust returns a *TrustError if the file or directory at path belongs to another user, if its group or
// others can write to it, or if its path has a link that others could have created. If there is nothing at path, it
// checks only the links. On Windows it returns nil, because there the folder decides who may write.
func CheckTrust(path string) error {
	if err := checkLinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return checkOwner(path, info)
}

// openTrusted opens an existing log, and checks the file that it has opened.
func openTrusted(path string) (*os.File, error) {
	if err := checkLinks(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|appendFlag, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a plain file", path)
	default:
		err = checkOwner(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

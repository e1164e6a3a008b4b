package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A TrustError says why what stands in a file or a directory may be somebody else's word:
// a log that was forged makes a run leave passes alone, and say that all is well.
type TrustError struct {
	Path string
	Why  string // in words that follow the path
	Hint string // what to do
}

func (e *TrustError) Error() string { return fmt.Sprintf("%s %s", e.Path, e.Why) }

// CheckTrust is a *TrustError if the file or directory at path belongs to another user, or
// can be written to by the group or by others, or if a link leads there that others could
// have made. A path at which nothing is, or a device or a pipe, is checked for links only.
// On Windows, where a folder says who may write, it is nil.
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
	case !info.Mode().IsRegular() && !info.IsDir():
		return nil
	}
	return checkOwner(path, info)
}

// openTrusted opens a log that is there, and checks the file that it has opened.
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

// Package evidence keeps the directory that a run leaves for the records of an
// incident: the results log, what the token allowed, reports, and a manifest with
// the SHA-256 of each, which sha256sum -c checks.
package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tapsweep/cmd/tapsweep/internal/report"
)

// The files of the directory.
const (
	Log       = report.EvidenceLog
	Preflight = "preflight.txt"
	Text      = "report.txt"
	HTML      = "report.html"
	CSV       = "report.csv"
	JSON      = "report.json"
	Manifest  = "SHA256SUMS"
)

// sealed are the files that the manifest names, in its order.
var sealed = []string{Log, Preflight, CSV, HTML, JSON, Text}

// Check refuses a directory that cannot be made, or that has evidence in it: none is
// ever replaced. A run that goes on with a log adds to it, if the log is there.
func Check(dir string, resume bool) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(filepath.Clean(dir)))
		return err
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	if _, err := os.Lstat(filepath.Join(dir, Log)); resume && err == nil {
		return nil
	}
	for _, name := range append([]string{Manifest}, sealed...) {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s has %s in it already", dir, name)
		}
	}
	return nil
}

// Make makes the directory, for its owner only, unless it is there.
func Make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Begin adds the text to what is known of the runs before they sent anything. A seal
// of an earlier run is broken: it would not be true of what comes now, and files that
// differ from their manifest look as if somebody had changed them.
func Begin(dir, text string) error {
	if err := os.Remove(filepath.Join(dir, Manifest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, Preflight), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return errors.Join(err, f.Sync(), f.Close())
}

// Seal writes the manifest and returns its own SHA-256: whoever keeps that elsewhere
// can show that nothing in the directory was changed since.
func Seal(dir string) (digest string, err error) {
	var manifest strings.Builder
	for _, name := range sealed {
		sum, err := sumOf(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&manifest, "%s  %s\n", sum, name)
	}
	f, err := report.CreateFile(filepath.Join(dir, Manifest), true)
	if err != nil {
		return "", err
	}
	defer f.Abort()
	if _, err := f.WriteString(manifest.String()); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(manifest.String()))
	return hex.EncodeToString(sum[:]), f.Commit()
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Package evidence keeps the directory that a run leaves for the records of an
// incident: the results log, what the token allowed, reports, and a manifest with
// the SHA-256 of each, which sha256sum -c checks.
package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tapsweep/cmd/tapsweep/internal/fileout"
	"tapsweep/cmd/tapsweep/internal/report"
	"tapsweep/cmd/tapsweep/internal/results"
)

// The files of the directory.
const (
	Log       = results.EvidenceLog
	Preflight = "preflight.txt"
	Text      = "report.txt"
	HTML      = "report.html"
	CSV       = "report.csv"
	JSON      = "report.json"
	Manifest  = "SHA256SUMS"
)

// sealed are the files that the manifest names, in its order.
var sealed = []string{Log, Preflight, CSV, HTML, JSON, Text}

// Names are the files that a directory of evidence holds.
func Names() []string { return append(slices.Clone(sealed), Manifest) }

// Check returns an error if the directory cannot be created, is not trusted (see
// results.CheckTrust), or already contains evidence, which is never replaced. A resumed run
// adds to the evidence if the log exists and nothing has changed since it was sealed.
func Check(dir string, resume bool) error {
	if err := results.CheckTrust(dir); err != nil {
		return err
	}
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
		_, err := sealOf(dir)
		return err
	}
	for _, name := range Names() {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%w: %s has %s in it already", ErrThere, dir, name)
		}
	}
	return nil
}

// ErrThere says that a directory has evidence in it.
var ErrThere = errors.New("evidence is never replaced")

// Holds tells whether a path is that of a file of evidence, by what stands beside it.
func Holds(path string) bool {
	dir, name := filepath.Split(filepath.Clean(path))
	if !slices.Contains(sealed, name) && name != Manifest {
		return false
	}
	for _, other := range []string{Manifest, Preflight} {
		if _, err := os.Lstat(filepath.Join(dir, other)); err == nil {
			return true
		}
	}
	return false
}

// Make makes the directory, for its owner only, unless it is there.
func Make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Begin adds the text to what is known of the runs before they sent anything. The seal
// of an earlier run is broken, and on record: it would not be true of what comes now, and
// files that differ from their manifest look as if somebody had changed them.
func Begin(dir, text string, resume bool) error {
	seal, err := sealOf(dir)
	if err != nil {
		return err
	}
	if seal != "" {
		text = fmt.Sprintf("before this run: all as sealed, SHA-256 of %s %s\n\n", Manifest, seal) + text
	}
	if err := addTo(filepath.Join(dir, Preflight), text, resume); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, Manifest)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// addTo adds to a file, which is a new one unless there may be one. What is no plain file
// is refused, a link included: the text would go wherever that leads.
func addTo(path, text string, there bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if !there {
		flags |= os.O_EXCL
	}
	before, err := os.Lstat(path)
	if err == nil && !before.Mode().IsRegular() {
		return fmt.Errorf("%s is not a plain file", path)
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || before != nil && !os.SameFile(before, now) {
		return errors.Join(fmt.Errorf("%s is another file now", path), err)
	}
	if _, err = io.WriteString(f, text); err != nil {
		return err
	}
	return f.Sync()
}

// sealOf compares the files with the manifest, and returns its SHA-256; empty without one.
func sealOf(dir string) (digest string, err error) {
	manifest, err := os.ReadFile(filepath.Join(dir, Manifest))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	now, err := manifestOf(dir)
	if err != nil {
		return "", fmt.Errorf("%s is not as it was sealed: %w", dir, err)
	}
	if now != string(manifest) {
		return "", fmt.Errorf("%s is not as it was sealed: sha256sum -c %s tells what was changed", dir, Manifest)
	}
	sum := sha256.Sum256(manifest)
	return hex.EncodeToString(sum[:]), nil
}

// Seal writes the reports on the logs and the manifest. It returns the manifest's own SHA-256:
// whoever keeps that elsewhere can show that nothing in the directory was changed since.
func Seal(ctx context.Context, dir string, logs []string, version string) (digest string, err error) {
	opened, err := report.OpenLogs(ctx, logs)
	if err != nil {
		return "", err
	}
	defer opened.Close()
	in := func(name string) string { return filepath.Join(dir, name) }
	out := &report.Outputs{Text: in(Text), HTML: in(HTML), CSV: in(CSV), JSON: in(JSON), Overwrite: true,
		Version: version}
	if err := out.Write(ctx, opened); err != nil {
		return "", err
	}
	manifest, err := manifestOf(dir)
	if err != nil {
		return "", err
	}
	f, err := fileout.Create(filepath.Join(dir, Manifest), true)
	if err != nil {
		return "", err
	}
	defer f.Abort()
	if _, err := f.WriteString(manifest); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(manifest))
	return hex.EncodeToString(sum[:]), f.Commit()
}

// manifestOf is the manifest of the files as they are.
func manifestOf(dir string) (string, error) {
	var manifest strings.Builder
	for _, name := range sealed {
		sum, err := sumOf(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&manifest, "%s  %s\n", sum, name)
	}
	return manifest.String(), nil
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

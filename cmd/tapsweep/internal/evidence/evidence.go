// Package evidence writes the directory with the evidence of a run: the results log, what the token allowed, reports,
// and a manifest with the SHA-256 of each file. The command sha256sum -c checks the manifest.
package evidence

import (
	"context"
	"crypto/sha256"
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

const (
	preflight    = "preflight.txt"
	manifestName = "SHA256SUMS"
)

// sealed are the files in the manifest, in its order.
var sealed = []string{results.EvidenceLog, preflight, "report.csv", "report.html", "report.json", "report.txt"}

// all are the files of the directory.
var all = append(slices.Clone(sealed), manifestName)

// Check returns an error if the directory cannot be created, is not trusted (see results.CheckTrust), or already
// contains evidence, which is never replaced. A resumed run adds to the evidence if the log exists and no file has
// changed since it was sealed.
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
		return fmt.Errorf("%s is %w", dir, ErrNoDirectory)
	}
	if _, err := os.Lstat(filepath.Join(dir, results.EvidenceLog)); resume && err == nil {
		_, err := sealOf(dir)
		return err
	}
	for _, name := range all {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%w: %s has %s in it already", ErrExists, dir, name)
		}
	}
	return nil
}

// Check returns these errors.
var (
	ErrExists      = errors.New("evidence is never replaced") // the directory already contains evidence
	ErrNoDirectory = errors.New("not a directory")
)

// Contains reports whether path is a file of evidence. The other files in its directory show this.
func Contains(path string) bool {
	dir, name := filepath.Split(filepath.Clean(path))
	if !slices.Contains(all, name) {
		return false
	}
	for _, other := range []string{manifestName, preflight} {
		if _, err := os.Lstat(filepath.Join(dir, other)); err == nil {
			return true
		}
	}
	return false
}

// Make creates the directory, unless it exists. Only the owner has access to it.
func Make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fileout.SyncDir(filepath.Dir(filepath.Clean(dir)))
}

// Begin adds a text to the preflight file before the run sends anything. It also records the SHA-256 of the manifest of
// an earlier run, and removes this manifest. Otherwise the changed files would look forged.
func Begin(dir, text string, resume bool) error {
	seal, err := sealOf(dir)
	if err != nil {
		return err
	}
	if seal != "" {
		text = fmt.Sprintf("before this run: all as sealed, SHA-256 of %s %s\n\n", manifestName, seal) + text
	}
	if err := addTo(filepath.Join(dir, preflight), text, resume); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, manifestName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// addTo appends text to a file, which may exist only if mayExist is set. It refuses everything except a plain file:
// with a symbolic link, the text would go to another file.
func addTo(path, text string, mayExist bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if !mayExist {
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

// sealOf compares the files with the manifest, and returns the SHA-256 of the manifest, "" if there is none.
func sealOf(dir string) (digest string, err error) {
	manifest, err := os.ReadFile(filepath.Join(dir, manifestName))
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
		return "", fmt.Errorf("%s is not as it was sealed: sha256sum -c %s shows what was changed", dir, manifestName)
	}
	return fmt.Sprintf("%x", sha256.Sum256(manifest)), nil
}

// Seal writes the reports on the logs, and the manifest. It returns the SHA-256 of the manifest. If this is kept in
// another place, it proves that no file in the directory was changed later.
func Seal(ctx context.Context, dir string, logs []string, version string) (digest string, err error) {
	opened, err := report.OpenLogs(ctx, logs)
	if err != nil {
		return "", err
	}
	defer opened.Close()
	in := func(name string) string { return filepath.Join(dir, name) }
	out := &report.Outputs{Text: in("report.txt"), HTML: in("report.html"), CSV: in("report.csv"),
		JSON: in("report.json"), Overwrite: true, Version: version}
	if err := out.Write(ctx, opened); err != nil {
		return "", err
	}
	manifest, err := manifestOf(dir)
	if err != nil {
		return "", err
	}
	f, err := fileout.Create(in(manifestName), true)
	if err != nil {
		return "", err
	}
	defer f.Abort()
	if _, err := f.WriteString(manifest); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(manifest))), f.Commit()
}

func manifestOf(dir string) (string, error) {
	var manifest strings.Builder
	for _, name := range sealed {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(&manifest, "%x  %s\n", sum.Sum(nil), name)
	}
	return manifest.String(), nil
}

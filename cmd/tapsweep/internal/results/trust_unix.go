//go:build unix

package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// owner is the user that a file belongs to, -1 where that is not known.
func owner(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// trusted reports whether a user may decide about our files: we ourselves, and root, who
// can change whatever we write anyway. For root it is root alone: a job of root must not
// believe what a service account wrote.
func trusted(uid int) bool { return uid == os.Geteuid() || uid == 0 }

const othersWrite = 0o022 // group and others

// checkOwner is a *TrustError if others could have written a file or into a directory.
func checkOwner(path string, info os.FileInfo) error {
	what := "log"
	if info.IsDir() {
		what = "directory"
	}
	switch uid := owner(info); {
	case !trusted(uid):
		return &TrustError{path, fmt.Sprintf("belongs to user %d, but tapsweep runs as user %d: "+
			"its owner can add false rows to it", uid, os.Geteuid()),
			fmt.Sprintf("run tapsweep as that user, name another %s, or check this one and chown it", what)}
	case info.Mode().Perm()&othersWrite != 0:
		return &TrustError{path, fmt.Sprintf("can be written to by others (mode %v): "+
			"they can add false rows to it", info.Mode()), fmt.Sprintf("check it, then remove that permission (chmod go-w), or name another %s", what)}
	}
	return nil
}

// maxLinks is the most links that are followed, as many as Linux follows.
const maxLinks = 40

// checkLinks is a *TrustError if a link on the way to path could have been made by others.
// What cannot be looked at ends the way: opening it says more.
func checkLinks(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	at, rest := "/", strings.Split(abs[1:], "/")
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(next)
		if err != nil {
			return nil
		}
		if info.Mode()&os.ModeSymlink == 0 {
			at = next
			continue
		}
		if err := checkLink(at, next, info); err != nil {
			return err
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return nil
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(filepath.Clean(target), "/"), "/"), rest...)
	}
	return nil
}

// checkLink checks a link in a directory.
func checkLink(dir, link string, info os.FileInfo) error {
	d, err := os.Stat(dir)
	if err != nil {
		return nil
	}
	open := d.Mode().Perm()&othersWrite != 0
	switch {
	case trusted(owner(d)) && !open:
		return nil
	case trusted(owner(d)) && d.Mode()&os.ModeSticky != 0 && trusted(owner(info)):
		return nil // nobody else can replace it
	}
	return &TrustError{link, fmt.Sprintf("is a link in %s, where others can write: they can change where it leads", dir),
		"use the path of the file or directory itself, without the link"}
}

//go:build unix

package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// owner returns the user ID of the owner of a file, or -1 if it is not known.
func owner(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// trusted reports whether a user may own our files. The current user may, and root may, because root can change
// every file anyway. For root only root is trusted, because a job of root must not trust a file of a service
// account.
func trusted(uid int) bool { return uid == os.Geteuid() || uid == 0 }

const othersWrite = 0o022 // group and others

// checkOwner returns a *TrustError if others could have written to the file or directory.
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
			"they can add false rows to it", info.Mode()),
			fmt.Sprintf("check it, then remove that permission (chmod go-w), or name another %s", what)}
	}
	return nil
}

// maxLinks is the maximum number of links to follow, the same as in Linux.
const maxLinks = 40

// checkLinks returns a *TrustError if path has a link that others could have created. If a part of path cannot be
// read, it stops without an error, because opening path then fails with a better error.
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

// checkLink returns a *TrustError if others could have created the link in dir.
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
		return nil // nobody else can replace the link
	}
	return &TrustError{link,
		fmt.Sprintf("is a link in %s, where others can write: they can change where it leads", dir),
		"use the path of the file or directory itself, without the link"}
}

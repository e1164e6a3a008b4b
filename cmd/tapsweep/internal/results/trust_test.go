//go:build unix

package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// A log that somebody else may have written is refused. Earlier, --resume deleted nothing with
// such a log and exited with 0.
func TestTrust(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		assert.OK(t, errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)))
		return path
	}
	log := func(dir, name string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(`{"type":"run"}`+"\n"), mode),
			os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := func(to, dir string) string {
		path := filepath.Join(dir, "link")
		assert.OK(t, os.Symlink(to, path))
		return path
	}
	own, open, sticky := make("own", 0o755), make("open", 0o777), make("sticky", fs.ModeSticky|0o777)
	group := make("group", 0o770)
	plain := log(own, "plain", 0o600)
	for _, tt := range []struct{ name, path, want string }{
		{"ours", plain, ""},
		{"readable by all", log(own, "readable", 0o644), ""},
		{"not there", filepath.Join(own, "none"), ""},
		{"group may write", log(own, "group", 0o660), "can be written to by others"},
		{"all may write", log(own, "all", 0o606), "can be written to by others"},
		{"ours in an open directory", log(open, "plain", 0o600), ""},
		{"ours in a sticky directory", log(sticky, "plain", 0o600), ""},
		{"a link in a directory of ours", link(plain, own), ""},
		{"a link in an open directory", link(plain, open), "is a link in " + open},
		{"our link in a sticky directory", link(plain, sticky), ""},
		{"a link in a directory of the group", link(plain, group), "is a link in " + group},
		{"a directory behind a link in an open one", filepath.Join(link(own, make("open2", 0o777)), "plain"),
			"is a link in"},
		{"a directory that all may write to", open, "can be written to by others"},
		{"a directory of ours", own, ""},
	} {
		t.Run(tt.name, func(t *testing.T) { testTrust(t, tt.path, tt.want) })
	}
	next := header
	for _, path := range []string{filepath.Join(own, "all"), filepath.Join(open, "link")} {
		if _, _, err := Resume(path, &next, ResumeOptions{}); !isTrust(err) {
			t.Errorf("Resume(%s) = %v, want a TrustError", path, err)
		}
		if _, err := Create(path, true); !isTrust(err) {
			t.Errorf("Create over %s = %v, want a TrustError", path, err)
		}
	}
}

// testTrust fails the test unless CheckTrust refuses the path with this text, or accepts it if there is none.
func testTrust(t *testing.T, path, want string) {
	err := CheckTrust(path)
	if want == "" {
		assert.Is(t, "CheckTrust", err, nil)
		return
	}
	trust, ok := errors.AsType[*TrustError](err)
	if !ok || !strings.Contains(err.Error(), want) {
		t.Fatalf("CheckTrust = %v, want a TrustError with %q", err, want)
	}
	assert.That(t, trust.Hint != "", "the error has no hint")
}

func isTrust(err error) bool {
	_, ok := errors.AsType[*TrustError](err)
	return ok
}

// A log of another user is refused, even for root: a job of root must not trust what a service
// account wrote. A link of another user in a sticky directory is refused as well.
func TestTrustOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	assert.OK(t, errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, 4711, 4711)))
	if err := CheckTrust(path); !isTrust(err) || !strings.Contains(err.Error(), "belongs to user 4711") {
		t.Errorf("CheckTrust of the file = %v, want an error about its owner", err)
	}
	link := filepath.Join(dir, "link")
	err := errors.Join(os.Chmod(dir, fs.ModeSticky|0o777), os.Symlink("/etc/hostname", link),
		os.Lchown(link, 4711, 4711))
	assert.OK(t, err)
	if err := CheckTrust(link); !isTrust(err) || !strings.Contains(err.Error(), "is a link in") {
		t.Errorf("CheckTrust of the link = %v, want an error about the link", err)
	}
}

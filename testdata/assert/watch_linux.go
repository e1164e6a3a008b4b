package assert

import (
	"bytes"
	"encoding/binary"
	"syscall"
	"testing"
)

// Watch returns a function that returns what was done in a directory since: names that came by a rename, and that the
// directory itself was opened.
func Watch(t testing.TB, dir string) func() []string {
	t.Helper()
	fd := Must(syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC))
	t.Cleanup(func() { syscall.Close(fd) })
	Must(syscall.InotifyAddWatch(fd, dir, syscall.IN_OPEN|syscall.IN_MOVED_TO))
	return func() (events []string) {
		b := make([]byte, 4096)
		n, _ := syscall.Read(fd, b) // an error if nothing was done
		b = b[:max(0, n)]
		for len(b) > 0 { // see man 7 inotify
			mask, size := binary.NativeEndian.Uint32(b[4:]), binary.NativeEndian.Uint32(b[12:])
			name := b[syscall.SizeofInotifyEvent:][:size]
			b = b[syscall.SizeofInotifyEvent+size:]
			switch {
			case mask&syscall.IN_MOVED_TO != 0:
				events = append(events, string(bytes.TrimRight(name, "\x00"))+" renamed")
			case mask&syscall.IN_ISDIR != 0:
				events = append(events, "directory opened")
			}
		}
		return events
	}
}

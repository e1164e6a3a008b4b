//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package console

import "golang.org/x/sys/unix"

// flushInput discards the unread input of a terminal. The argument is FREAD of sys/fcntl.h,
// which has the value of TCIFLUSH.
// Source: man.freebsd.org/cgi/man.cgi?query=tty&sektion=4, TIOCFLUSH.
func flushInput(fd uintptr) error {
	return unix.IoctlSetPointerInt(int(fd), unix.TIOCFLUSH, unix.TCIFLUSH)
}

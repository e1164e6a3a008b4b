package console

import "golang.org/x/sys/unix"

// flushInput discards the unread input of a terminal.
// Source: man7.org/linux/man-pages/man2/TCFLSH.2const.html.
func flushInput(fd uintptr) error { return unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCIFLUSH) }

package console

import "golang.org/x/sys/windows"

// flushInput discards the unread input of a console.
// Source: learn.microsoft.com/windows/console/flushconsoleinputbuffer.
func flushInput(fd uintptr) error { return windows.FlushConsoleInputBuffer(windows.Handle(fd)) }

package main

import "golang.org/x/sys/windows"

// flushInput discards what a console has received and nobody has read.
// Source: learn.microsoft.com/windows/console/flushconsoleinputbuffer.
func flushInput(fd uintptr) error { return windows.FlushConsoleInputBuffer(windows.Handle(fd)) }

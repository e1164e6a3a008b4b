package progress

import (
	"os"

	"golang.org/x/sys/windows"
)

// enableEscapes makes the console of Windows understand escape sequences.
// Source: learn.microsoft.com/windows/console/console-virtual-terminal-sequences.
func enableEscapes(f *os.File) {
	var mode uint32
	console := windows.Handle(f.Fd())
	if windows.GetConsoleMode(console, &mode) == nil {
		mode |= windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
		_ = windows.SetConsoleMode(console, mode)
	}
}

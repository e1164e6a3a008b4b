//go:build !windows

package progress

import "os"

// enableEscapes does nothing, because these terminals understand escape sequences.
func enableEscapes(*os.File) {}

//go:build !windows

package progress

import "os"

// enableEscapes does nothing: terminals obey escape sequences.
func enableEscapes(*os.File) {}

//go:build !unix

package results

import "os"

func openWriteEnd(path string) (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

func isNoReader(error) bool { return false }

//go:build !linux && !windows && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package console

func flushInput(uintptr) error { return nil }

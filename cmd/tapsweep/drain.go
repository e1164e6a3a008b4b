package main

import "os"

// drain discards input that was typed at a terminal before the question was shown, such as an
// answer to a previous program, because it must not answer this question. Input that cannot be
// discarded, as on a pipe, is kept.
func (a *app) drain() {
	if f, ok := a.stdin.(*os.File); ok && isTerminal(f) {
		_ = flushInput(f.Fd()) // if this fails, the question is still asked
	}
}

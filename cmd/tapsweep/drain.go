package main

import "os"

// drain throws away what was typed at a terminal before there was a question, such as an
// answer to the program that ran before. It must not count as the answer. What cannot be
// thrown away, as on a pipe, is left as it is.
func (a *app) drain() {
	if f, ok := a.stdin.(*os.File); ok && isTerminal(f) {
		_ = flushInput(f.Fd()) // the question is asked all the same
	}
}

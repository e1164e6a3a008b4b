package console

import "os"

// Drain discards input that was typed at a terminal before the question was shown, such as an
// answer to a previous program, because it must not answer this question. Input that cannot be
// discarded, as on a pipe, is kept.
func (c *Console) Drain() {
	if f, ok := c.In.(*os.File); ok && c.IsTerminal(f) {
		_ = flushInput(f.Fd()) // if this fails, the question is still asked
	}
}

package console

import "os"

// Drain discards input that was typed at a terminal before the question was shown, because it must not answer this
// question. It keeps input that cannot be discarded, as on a pipe.
func (c *Console) Drain() {
	if f, ok := c.In.(*os.File); ok && c.IsTerminal(f) {
		_ = flushInput(f.Fd()) // if this fails, the question is still asked
	}
}

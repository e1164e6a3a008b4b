package console

// The states of a command. Work that sends, serves or writes must end in an orderly way. The
// preparation before it may hang, because opening or reading a named pipe waits for another
// program.
const (
	preparing int32 = iota
	working
	abandoned
)

// Begin marks the start of the work. From then on a signal does not abandon the command. It
// reports whether the command may work: it may not if it was already abandoned.
func (c *Console) Begin() bool {
	return c.state.CompareAndSwap(preparing, working) || c.state.Load() == working
}

// Abandon gives up a command that is still preparing, and reports whether it was.
func (c *Console) Abandon() bool { return c.state.CompareAndSwap(preparing, abandoned) }

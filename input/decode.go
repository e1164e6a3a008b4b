package input

import "io"

// Decode returns a reader of r's text as UTF-8 without a byte order mark, as for lists. It
// recognises UTF-16, which Windows PowerShell writes, by its byte order mark. Bytes that
// are not text are not changed.
func Decode(r io.Reader) io.Reader { return decode(r) }

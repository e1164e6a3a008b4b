package input

import "io"

// Decode returns r's text as UTF-8 without a byte order mark, as lists are read: UTF-16 is
// recognised by its mark, as Windows PowerShell writes it. Bytes that are no text come as
// they are.
func Decode(r io.Reader) io.Reader { return decode(r) }

package input

import (
	"bufio"
	"bytes"
	"io"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const bufferBytes = 64 << 10

// Decode returns a reader of the text of r in UTF-8 without a byte order mark. It recognizes UTF-16, which Windows
// PowerShell writes, by its byte order mark. It does not change bytes that are not text.
func Decode(r io.Reader) *bufio.Reader {
	br := bufio.NewReaderSize(r, bufferBytes)
	mark, _ := br.Peek(3) // an error comes again with the first read
	switch {
	case bytes.HasPrefix(mark, []byte{0xEF, 0xBB, 0xBF}):
		_, _ = br.Discard(3) // cannot fail after Peek
	case bytes.HasPrefix(mark, []byte{0xFF, 0xFE}), bytes.HasPrefix(mark, []byte{0xFE, 0xFF}):
		utf16 := xunicode.UTF16(xunicode.LittleEndian, xunicode.UseBOM)
		return bufio.NewReaderSize(transform.NewReader(br, utf16.NewDecoder()), bufferBytes)
	}
	return br
}

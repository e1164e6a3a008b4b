package input

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxRowBytes bounds one row, header or JSON element, its line end included.
// Real rows are below 1 KiB; without a bound one lost quote would pull the
// whole rest of a list into memory.
const maxRowBytes = 1 << 20

const bufferBytes = 64 << 10

var errTooLong = errors.New("longer than 1 MiB")

// decode returns r's text as UTF-8 without a byte order mark. UTF-16 is
// recognised by its mark only.
func decode(r io.Reader) *bufio.Reader {
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

// A budget passes bytes on up to an offset that its owner moves along with
// each record. Its first error stays: encoding/csv may report a syntax error
// in its place and would then read on in the middle of a row.
type budget struct {
	r          io.Reader
	off, limit int64
	err        error
}

func (b *budget) Read(p []byte) (int, error) {
	room := b.limit - b.off
	if b.err == nil && room <= 0 {
		b.err = errTooLong
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), room)])
	b.off += int64(n)
	if err != io.EOF {
		b.err = err
	}
	return n, err
}

// A lineCounter tells on which line an offset lies, for a consumer that reads
// ahead: the offsets of newlines wait in a queue, which a budget keeps short.
type lineCounter struct {
	r        io.Reader
	off      int64
	line     int   // newlines passed so far
	start    int64 // of the line
	newlines []int64
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i := 0; i < n; i++ {
		next := bytes.IndexByte(p[i:n], '\n')
		if next < 0 {
			break
		}
		i += next
		c.newlines = append(c.newlines, c.off+int64(i))
	}
	c.off += int64(n)
	return n, err
}

// at returns the line of the byte before off, and which byte of it that is, both counted
// from 1. Offsets must not go back.
func (c *lineCounter) at(off int64) (line, column int) {
	n := 0
	for n < len(c.newlines) && c.newlines[n] < off {
		c.start = c.newlines[n] + 1
		n++
	}
	c.line += n
	c.newlines = c.newlines[n:]
	return c.line + 1, int(off - c.start)
}

// readLine returns the next line with its end, or errTooLong after having
// passed over the whole of it. At the end of the text it returns what is there
// and no error, then io.EOF.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	tooLong := false
	for {
		part, err := br.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > maxRowBytes; !tooLong {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && (len(line) > 0 || tooLong):
			err = nil
		}
		if err == nil && tooLong {
			return nil, errTooLong
		}
		return line, err
	}
}

package input

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	xunicode "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxRowBytes bounds a row, a header or a JSON element, including its line end. Real rows are
// below 1 KiB. Without a bound, one lost quote would pull the rest of a list into memory.
const maxRowBytes = 1 << 20

const bufferBytes = 64 << 10

var errTooLong = errors.New("longer than 1 MiB")

// Decode returns a reader of r's text as UTF-8 without a byte order mark, as for lists. It
// recognizes UTF-16, which Windows PowerShell writes, by its byte order mark. Bytes that
// are not text are not changed.
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

// A cappedReader reads up to an offset, which its owner moves with each record. It keeps its
// first error, because encoding/csv may report a syntax error instead, and would then read on
// in the middle of a row.
type cappedReader struct {
	r          io.Reader
	off, limit int64
	err        error
}

func (b *cappedReader) Read(p []byte) (int, error) {
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

// A lineCounter finds the line of an offset, for a consumer that reads ahead. It queues the
// offsets of newlines. A cappedReader keeps the queue short.
type lineCounter struct {
	r        io.Reader
	off      int64
	line     int   // newlines passed so far
	start    int64 // of the line
	newlines []int64
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.newlines = append(c.newlines, c.off+int64(i))
		}
	}
	c.off += int64(n)
	return n, err
}

// at returns the line of the byte before off, and its place in that line, both counted from 1.
// Offsets must not go back.
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

// readLine returns the next line with its end. If the line is too long, readLine skips it and
// returns errTooLong. At the end of the text it returns a last line without an end, then io.EOF.
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

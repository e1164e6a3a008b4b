package safetext

import (
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns a writer for a json.Encoder. It escapes the characters in strings that Visible escapes, in hexadecimal, so
// that the text is safe in a terminal and decodes to the same value. Each Write must have whole values, like those of
// an Encoder.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(p []byte) (int, error) {
	if _, err := j.w.Write(escapeJSON(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// escapeJSON returns p itself if it has nothing to escape. An Encoder has escaped all control characters of ASCII
// except DEL.
func escapeJSON(p []byte) []byte {
	var out []byte
	done := 0
	for i := 0; i < len(p); {
		r, n := rune(p[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(p[i:])
		}
		if r >= 0x7F && r != utf8.RuneError && hidden(r) {
			out = append(out, p[done:i]...)
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
			done = i + n
		}
		i += n
	}
	if done == 0 {
		return p
	}
	return append(out, p[done:]...)
}

package input

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strconv"
	"strings"
)

// origin is what a row of a results log is known by through all runs of the log: where
// its pair stands in a list, or the pass that a scan had found, on no line of any.
type origin struct {
	source       string
	line, column int
	anyPass      bool // the pair names no pass, and means whatever there is
}

// A pairKey is a short form of an origin and its user.
type pairKey [16]byte

// key tells pairs apart. self is whom Me means.
func (r *row) key(self string) pairKey {
	user, method := r.user, r.method
	if user == Me {
		user = self
	}
	if r.origin.line > 0 {
		method = "" // a row may tell of another one than its pair names
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{r.origin.source, strconv.Itoa(r.origin.line), strconv.Itoa(r.origin.column),
		strings.ToLower(user), strings.ToLower(method)}, "\x00")))
	return pairKey(sum[:16])
}

// findLast notes which row of each pair is the last one, where a log has more runs than
// one: what a run left over, a later one may have done, and then it is not to be done
// again. A user would lose the pass that was given since.
func (s *source) findLast() error {
	if several, err := s.hasRuns(); !several || err != nil {
		return err
	}
	s.last = make(map[pairKey]int)
	n, self := 0, ""
	err := s.read(func(r row) bool {
		switch {
		case r.mark == "run":
			self = r.self
		case r.logged:
			n++
			s.last[r.key(self)] = n
		}
		return true
	})
	if _, ok := errors.AsType[*LineError](err); ok {
		return nil // the first pass tells of it
	}
	return err
}

// hasRuns tells whether the list may be a log of several runs: whether the word stands in
// it more than once.
func (s *source) hasRuns() (bool, error) {
	f, err := s.open()
	if err != nil {
		return false, err
	}
	defer f.Close()
	text := decode(f)
	if s.format == formatCSV || s.format == "" && sniff(text) == formatCSV {
		return false, nil
	}
	word := []byte(`"run"`)
	buf := make([]byte, 0, 256<<10)
	for found := 0; ; {
		n, err := text.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if found += bytes.Count(buf, word); found > 1 {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// What may be the beginning of the word stays.
		keep := buf[max(0, len(buf)-len(word)+1):]
		buf = append(buf[:0], keep...)
	}
}

package input

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"io"
	"strconv"
	"strings"
)

// origin is where the pair of a row of a results log comes from, and what it names.
type origin struct {
	source       string
	line, column int
	anyPass      bool   // the pair names no pass, and means whatever there is
	instead      string // the pass that it names, where the row tells of another
	apart        bool   // the row repeats a pair, or was refused: it says nothing of one
}

// A logKey is a short form of what a pair is known by through all runs of a log: its list,
// its user and the pass that it names, which a list has once. What a scan has found is in
// no list. Rows apart are known by where they stand.
type logKey [16]byte

// key tells pairs apart. list is the digest of the run's, and self whom Me means.
func (r *row) key(list, self string) logKey {
	o, user, method := r.origin, r.user, cmp.Or(r.origin.instead, r.method)
	if user == Me {
		user = self
	}
	if o.anyPass {
		method = "" // the row names the one that was there
	}
	var place string
	switch {
	case o.apart:
		place = strings.Join([]string{o.source, strconv.Itoa(o.line), strconv.Itoa(o.column)}, ":")
	case o.line == 0:
		list, place = "", o.source
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{list, place, strings.ToLower(user), strings.ToLower(method)}, "\x00")))
	return logKey(sum[:16])
}

// findLast notes which row of each pair is the last one, where a log has more runs than
// one: what a run left over, a later one may have done, and then it is not to be done
// again. A user would lose the pass that was given since.
func (s *source) findLast() error {
	if several, err := s.hasRuns(); !several || err != nil {
		return err
	}
	s.last = make(map[logKey]int)
	n, list, self := 0, "", ""
	err := s.read(new(content), func(r row) bool {
		switch {
		case r.mark == "run":
			list, self = r.run.list, r.run.self
		case r.logged:
			n++
			s.last[r.key(list, self)] = n
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
	switch format, _ := s.formatOf(text); format {
	case formatCSV, formatPlain, formatSelf:
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

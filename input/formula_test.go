package input

import (
	"fmt"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// Every protected value is read back unchanged, and contains no formula in the file.
func FuzzCSVValue(f *testing.F) {
	for _, s := range []string{"", "=1", ";=1", "';'=1", "\t''@x; +2", "\v@", "\u0085=1", "＝", "a;\u3000-b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		safe := CSVValue(s)
		assert.Same(t, fmt.Sprintf("plainValue(CSVValue(%q))", s), plainValue(safe), s)
		for cell := range strings.FieldsFuncSeq(safe, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
			if cell = strings.TrimSpace(cell); cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("CSVValue(%q) = %q, of which %q is a formula", s, safe, cell)
			}
		}
	})
}

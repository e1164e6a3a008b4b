package format

import (
	"fmt"
	"testing"

	"tapsweep/testdata/assert"
)

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows"} {
		assert.Same(t, fmt.Sprintf("Plural(%d)", n), Plural(n, "row", "rows"), want)
	}
}

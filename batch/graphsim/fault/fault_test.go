package fault

import (
	"testing"

	"tapsweep/testdata/assert"
)

func TestAllEffects(t *testing.T) {
	for _, e := range allEffects() {
		assert.That(t, e.String() != "", "effect %+v has no name", e)
		assert.That(t, (e.whole == nil) != (e.single == nil),
			"%v changes both a whole batch and a single response, or neither", e)
	}
}

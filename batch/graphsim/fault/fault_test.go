package fault

import "testing"

func TestAllEffects(t *testing.T) {
	for _, e := range allEffects() {
		if e.String() == "" {
			t.Errorf("effect %+v has no name", e)
		}
		if (e.whole == nil) == (e.single == nil) {
			t.Errorf("%v changes both a whole batch and a single response, or neither", e)
		}
	}
}

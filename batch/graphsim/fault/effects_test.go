package fault

import "testing"

func TestAllEffectsNamed(t *testing.T) {
	for _, e := range allEffects() {
		if e.String() == "" || (e.whole == nil) == (e.single == nil) {
			t.Errorf("effect %+v", e)
		}
	}
}

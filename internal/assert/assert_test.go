package assert

import (
	"errors"
	"testing"
)

// A recorder is a test that counts its failures.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }
func (r *recorder) Fatal(...any)          { r.failures++ }

type tb = testing.TB

// Each assertion fails where it has to, and only there.
func TestAssertions(t *testing.T) {
	wrong := errors.New("it went wrong")
	for _, tt := range []struct {
		name      string
		good, bad func(tb)
	}{
		{"Same", func(r tb) { Same(r, "", 1, 1) }, func(r tb) { Same(r, "", 1, 2) }},
		{"Equal", func(r tb) { Equal(r, "", []int{1}, []int{1}) }, func(r tb) { Equal(r, "", nil, []int{1}) }},
		{"Holds", func(r tb) { Holds(r, "", "a b", "a", "b") }, func(r tb) { Holds(r, "", "a b", "a", "c") }},
		{"Lacks", func(r tb) { Lacks(r, "", "a b", "c", "d") }, func(r tb) { Lacks(r, "", "a b", "c", "b") }},
		{"Is", func(r tb) { Is(r, "", wrong, wrong) }, func(r tb) { Is(r, "", nil, wrong) }},
		{"Says", func(r tb) { Says(r, "", wrong, "went") }, func(r tb) { Says(r, "", wrong, "well") }},
		{"Says nothing", func(r tb) { Says(r, "", nil, "") }, func(r tb) { Says(r, "", wrong, "") }},
		{"Says something", func(r tb) { Says(r, "", wrong, "it") }, func(r tb) { Says(r, "", nil, "it") }},
		{"That", func(r tb) { That(r, true, "") }, func(r tb) { That(r, false, "") }},
		{"OK", func(r tb) { OK(r, nil) }, func(r tb) { OK(r, wrong) }},
	} {
		var r recorder
		tt.good(&r)
		Same(t, tt.name+": failures where all is well", r.failures, 0)
		tt.bad(&r)
		Same(t, tt.name+": failures where something is wrong", r.failures, 1)
	}
}

package main

import (
	"errors"
	"testing"

	"tapsweep/testdata/assert"
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

// Each assertion fails if its condition is false, and only then.
func TestAssertions(t *testing.T) {
	wrong := errors.New("it went wrong")
	for _, tt := range []struct {
		name      string
		good, bad func(tb)
	}{
		{"Same", func(r tb) { assert.Same(r, "", 1, 1) }, func(r tb) { assert.Same(r, "", 1, 2) }},
		{"Equal",
			func(r tb) { assert.Equal(r, "", []int{1}, []int{1}) }, func(r tb) { assert.Equal(r, "", nil, []int{1}) }},
		{"Holds",
			func(r tb) { assert.Holds(r, "", "a b", "a", "b") }, func(r tb) { assert.Holds(r, "", "a b", "a", "c") }},
		{"Lacks",
			func(r tb) { assert.Lacks(r, "", "a b", "c", "d") }, func(r tb) { assert.Lacks(r, "", "a b", "c", "b") }},
		{"Is", func(r tb) { assert.Is(r, "", wrong, wrong) }, func(r tb) { assert.Is(r, "", nil, wrong) }},
		{"Says", func(r tb) { assert.Says(r, "", wrong, "went") }, func(r tb) { assert.Says(r, "", wrong, "well") }},
		{"Says nothing", func(r tb) { assert.Says(r, "", nil, "") }, func(r tb) { assert.Says(r, "", wrong, "") }},
		{"Says something",
			func(r tb) { assert.Says(r, "", wrong, "it") }, func(r tb) { assert.Says(r, "", nil, "it") }},
		{"That", func(r tb) { assert.That(r, true, "") }, func(r tb) { assert.That(r, false, "") }},
		{"OK", func(r tb) { assert.OK(r, nil) }, func(r tb) { assert.OK(r, wrong) }},
	} {
		var r recorder
		tt.good(&r)
		assert.Same(t, tt.name+": failures where all is well", r.failures, 0)
		tt.bad(&r)
		assert.Same(t, tt.name+": failures where something is wrong", r.failures, 1)
	}
}

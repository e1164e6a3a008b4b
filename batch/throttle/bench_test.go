package throttle_test

import (
	"flag"
	"fmt"
	"regexp"
	"testing"
)

var (
	shapeFlag = flag.String("shape", "", "measure only the shapes that match this expression, and print each")
	groupFlag = flag.String("group", "", "measure only the groups that match this expression")
	sizeFlag  = flag.Int("n", 0, "measure only lists of so many requests")
)

var sizes = []int{40, 200, 1000, 20_000}

// TestShapes prints what is asked for by flags:
//
//	go test ./batch/throttle -run TestShapes -v -group 'random items' -n 1000
func TestShapes(t *testing.T) {
	if *shapeFlag == "" && *groupFlag == "" {
		t.Skip("run with -shape or -group")
	}
	shapes, in := regexp.MustCompile(*shapeFlag), regexp.MustCompile(*groupFlag)
	for _, g := range groups() {
		if !in.MatchString(g.name) {
			continue
		}
		for _, s := range g.shapes {
			for _, n := range sizes {
				if !shapes.MatchString(s.name) || *sizeFlag > 0 && n != *sizeFlag {
					continue
				}
				m := s.measure(ours, n)
				fmt.Printf("%-60s %6d  %.3f  refused %5.1f %% (%.0f)  early %d  %.1f s of %.1f  slowest %v\n",
					s.name, n, m.ratio, 100*m.share, m.refused, m.early, m.took, m.ideal, m.slowest.Round(1e6))
			}
		}
	}
}

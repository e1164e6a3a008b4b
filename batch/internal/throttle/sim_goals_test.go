package throttle_test

import (
	"fmt"
	"testing"
	"time"
)

// A goal is what the Controller should reach on a shape, and the bound that it must reach.
type goal struct {
	shape shape
	n     int

	goal  float64 // least ratio to the client that knows the limit
	bound float64 // least ratio that the test accepts: a little less than is reached

	mostShare   float64 // most refused requests, as a share; zero is no bound
	mostRefused float64 // most refused requests, as a number; zero is no bound
	mostEarly   float64 // most requests sent early, as a share
}

// outOfOrder lets batches that are sent at one instant arrive, and be answered, in any order.
var outOfOrder = latency{base: 50 * time.Millisecond, jitter: 10 * time.Millisecond}

var goals = []struct {
	group string
	goals []goal
}{
	{"1 % of items", []goal{
		// A refusal in the last batch of a flight has no batch behind it that could show its cause,
		// so the others wait with it. That happens in some runs.
		{shape: itemsShape(0.01, 0), n: 1000, goal: 0.75, bound: 0.73},
		{shape: itemsShape(0.01, 0), n: 20_000, goal: 0.85, bound: 0.76},
	}},
	{"5 % of items", []goal{
		{shape: itemsShape(0.05, 0), n: 1000, goal: 0.60, bound: 0.80},
		{shape: itemsShape(0.05, 0), n: 20_000, goal: 0.60, bound: 0.80},
	}},
	{"14 % of items or every 7th", []goal{
		{shape: itemsShape(0.14, 0), n: 1000, goal: 0.50, bound: 0.80},
		{shape: itemsShape(0.14, 0), n: 20_000, goal: 0.50, bound: 0.84},
		{shape: itemsShape(0, 7), n: 1000, goal: 0.50, bound: 0.77},
		{shape: itemsShape(0, 7), n: 20_000, goal: 0.50, bound: 0.83},
	}},
	{"33 % of items", []goal{
		{shape: itemsShape(0.33, 0), n: 1000, goal: 0.25, bound: 0.92},
		{shape: itemsShape(0.33, 0), n: 20_000, goal: 0.25, bound: 0.96},
	}},
	{"5 % of batches", []goal{
		{shape: batchesShape(0.05, 0), n: 1000, goal: 0.70, bound: 0.70},
		{shape: batchesShape(0.05, 0), n: 20_000, goal: 0.60, bound: 0.60},
	}},
	{"every 3rd batch", []goal{
		{shape: batchesShape(0, 3), n: 1000, goal: 0.35, bound: 0.48},
		{shape: batchesShape(0, 3), n: 20_000, goal: 0.30, bound: 0.44},
	}},
	{"5 % of items on a bucket", []goal{
		{shape: itemsShape(0.05, 0).on(bucketShape(40, 80)), n: 1000, goal: 0.60, bound: 0.93},
	}},
	{"5 % of users", []goal{
		{shape: usersShape(0.05, alwaysOne, "1 s", bucketShape(40, 80)), n: 1000, goal: 0.40, bound: 0.47},
		{shape: usersShape(0.05, alwaysOne, "1 s", bucketShape(40, 80)), n: 20_000, goal: 0.40, bound: 0.68,
			mostEarly: 0.002},
	}},
	{"in flight", []goal{
		{shape: atOnceShape(20), n: 1000, goal: 0.40, bound: 0.47},
		{shape: atOnceShape(20), n: 20_000, goal: 0.40, bound: 0.78},
		{shape: atOnceShape(60), n: 1000, goal: 0.40, bound: 0.40},
		{shape: atOnceShape(60), n: 20_000, goal: 0.40, bound: 0.71},
		{shape: atOnceShape(200), n: 20_000, goal: 0.40, bound: 0.77},
	}},
	{"small buckets", []goal{
		{shape: bucketShape(100, 10), n: 1000, goal: 0.45, bound: 0.58},
		{shape: bucketShape(100, 50), n: 1000, goal: 0.75, bound: 0.75},
	}},
	// The goals are what was reached before the detector existed. No ratio may fall by more than 0.03.
	{"as before", []goal{
		{shape: bucketShape(0.5, 5), n: 1000, goal: 0.97, bound: 0.97},
		{shape: bucketShape(40, 40), n: 1000, goal: 0.92, bound: 0.92},
		{shape: bucketShape(40, 80), n: 1000, goal: 0.97, bound: 0.97},
		{shape: bucketShape(40, 80), n: 20_000, goal: 0.97, bound: 0.97},
		{shape: bucketShape(100, 200), n: 1000, goal: 0.93, bound: 0.93},
		{shape: bucketShape(800, 8000), n: 20_000, goal: 0.93, bound: 0.93},
		{shape: windowShape(300, 5*time.Second), n: 1000, goal: 0.90, bound: 0.90},
		{shape: windowShape(300, 5*time.Second), n: 20_000, goal: 0.96, bound: 0.96},
		{shape: windowShape(60, time.Second), n: 1000, goal: 0.90, bound: 0.90},
		{shape: windowShape(60, time.Second), n: 20_000, goal: 0.94, bound: 0.94},
		{shape: windowShape(200, 8*time.Second), n: 1000, goal: 0.91, bound: 0.91},
		{shape: windowShape(3000, 150*time.Second), n: 20_000, goal: 0.96, bound: 0.96},
	}},
	{"charged", []goal{
		{shape: bucketShape(40, 80, charge), n: 1000, goal: 0.90, bound: 0.91},
		{shape: windowShape(60, time.Second, chargeNext), n: 1000, goal: 0.75, bound: 0.84},
		// Batches overtake each other, as they do over sockets.
		{shape: bucketShape(40, 80, charge).after(outOfOrder, "10 ms of jitter"), n: 1000, goal: 0.90, bound: 0.89},
		{
			shape: windowShape(60, time.Second, chargeNext).after(outOfOrder, "10 ms of jitter"), n: 1000,
			goal: 0.75, bound: 0.84, mostEarly: 0.001, // of one run of twelve
		},
	}},
	{"refused share", []goal{
		{shape: bucketShape(40, 80), n: 1000, mostShare: 0.07},
		{shape: windowShape(200, 8*time.Second), n: 1000, mostShare: 0.115}, // goal 0.12
		{shape: windowShape(5, 5*time.Second), n: 40, mostRefused: 39},      // goal 28
	}},
}

// goalSeeds is the number of runs that a goal is the mean of. The mean of three depends on their seeds too much.
const goalSeeds = 12

// TestGoals holds the goals of each group. They are the mean of goalSeeds runs in virtual time, at 50 ms per
// batch. No request may be sent early, except a few if a limit and the limits of users refuse at the same
// time.
func TestGoals(t *testing.T) {
	for _, g := range goals {
		t.Run(g.group, func(t *testing.T) {
			t.Parallel()
			for _, want := range g.goals {
				m := want.shape.measureSeeds(ours, want.n, goalSeeds)
				name := fmt.Sprintf("%s, %d requests", want.shape.name, want.n)
				t.Logf("%s: ratio %.3f, goal %.2f; %.1f %% refused (%.0f)", name, m.ratio, want.goal, 100*m.share,
					m.refused)
				if m.ratio < want.bound {
					t.Errorf("%s: ratio %.3f to a client that knows, want at least %.2f", name, m.ratio, want.bound)
				}
				if want.mostShare > 0 && m.share > want.mostShare {
					t.Errorf("%s: %.1f %% refused, want at most %.1f %%", name, 100*m.share, 100*want.mostShare)
				}
				if want.mostRefused > 0 && m.refused > want.mostRefused {
					t.Errorf("%s: %.1f refused, want at most %.0f", name, m.refused, want.mostRefused)
				}
				if m.early > want.mostEarly {
					t.Errorf("%s: %.2f %% sent early, want at most %.2f %%", name, 100*m.early, 100*want.mostEarly)
				}
			}
		})
	}
}

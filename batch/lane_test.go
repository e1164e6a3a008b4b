package batch

import (
	"slices"
	"testing"
	"time"
)

// A throttled request waits as long as its answer says. After several refusals in a row it
// waits ever longer, because a user's or a mailbox's own limit may refuse it.
func TestRefusedPause(t *testing.T) {
	for _, tt := range []struct {
		name   string
		told   time.Duration
		denied int
		want   time.Duration
	}{
		{"the first refusal", 7 * time.Second, 1, 7 * time.Second},
		{"the fourth in a row", 7 * time.Second, ownLimit, 7 * time.Second},
		{"the sixth in a row", 7 * time.Second, ownLimit + 2, 28 * time.Second},
		{"many in a row", 7 * time.Second, 40, maxOwnPause},
		{"a long wait, many in a row", time.Hour, 40, time.Hour},
		{"no wait named", 0, 1, time.Second},
		{"no wait named, the third in a row", 0, 3, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEntry(Request{})
			e.told, e.denied = tt.told, tt.denied
			if got := e.refusedPause(0); got != tt.want {
				t.Errorf("waits %v, want %v", got, tt.want)
			}
		})
	}
}

// Half of a batch are requests that are sent again, and of batches of one every second.
func TestPick(t *testing.T) {
	for _, tt := range []struct {
		name          string
		urgent, fresh int
		sizes, want   []int // of the batches, and how many of each are urgent
	}{
		{"both", 20, 20, []int{20, 20}, []int{10, 10}},
		{"one by one", 4, 4, []int{1, 1, 1, 1}, []int{1, 0, 1, 0}},
		{"few urgent ones", 3, 40, []int{20, 20}, []int{3, 0}},
		{"few new ones", 40, 3, []int{20, 20}, []int{17, 20}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := &lane{}
			for range tt.urgent {
				q.urgent = append(q.urgent, &entry{denied: 1})
			}
			for range tt.fresh {
				q.fresh = append(q.fresh, &entry{})
			}
			var got []int
			for _, n := range tt.sizes {
				urgent := 0
				for _, e := range q.pick(n) {
					urgent += e.denied
				}
				got = append(got, urgent)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("batches of %v hold %v urgent requests, want %v", tt.sizes, got, tt.want)
			}
		})
	}
}

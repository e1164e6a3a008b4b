package batch

import (
	"fmt"
	"testing"
	"time"

	"tapsweep/testdata/assert"
)

// A throttled request waits as long as its answer says. It waits ever longer if it is refused
// again and again while others are accepted, because a user's or a mailbox's own limit may
// refuse it.
func TestRefusedPause(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(1_700_000_000+seconds), 0) }
	for _, tt := range []struct {
		name     string
		told     time.Duration
		refusals int
		others   bool // were accepted before each
		want     time.Duration
	}{
		{"the first refusal", 7 * time.Second, 1, true, 7 * time.Second},
		{"the third in a row", 7 * time.Second, 3, true, 7 * time.Second},
		{"the fifth in a row", 7 * time.Second, 5, true, 28 * time.Second},
		{"many in a row", 7 * time.Second, 40, true, maxPerResourcePause},
		{"a long wait, many in a row", time.Hour, 40, true, time.Hour},
		{"many in a row, and nothing else accepted", 7 * time.Second, 40, false, 7 * time.Second},
		{"no wait named", 0, 1, true, time.Second},
		{"no wait named, the fifth in a row", 0, 5, true, 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newItem(Request{})
			e.queue, e.retryAfter = &quotaQueue{}, tt.told
			var got time.Duration
			for i := range tt.refusals {
				if tt.others {
					e.queue.lastAccepted = at(10*i - 5)
				}
				e.throttledInRow++
				got = e.throttledPause(&inFlightBatch{sent: at(10 * i), replied: at(10*i + 1)})
			}
			assert.Same(t, "waits", got, tt.want)
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
			q := &quotaQueue{}
			for range tt.urgent {
				q.retries = append(q.retries, &item{throttledInRow: 1})
			}
			for range tt.fresh {
				q.fresh = append(q.fresh, &item{})
			}
			var got []int
			for _, n := range tt.sizes {
				urgent := 0
				for _, e := range q.pick(n) {
					urgent += e.throttledInRow
				}
				got = append(got, urgent)
			}
			assert.Equal(t, fmt.Sprintf("requests of batches of %v", tt.sizes), got, tt.want)
		})
	}
}

package batch

import (
	"container/heap"
	"time"
)

// admit makes an entry ready to be sent, or parks it behind the one that holds
// its key.
func (l *loop) admit(e *entry, urgent bool) {
	if key := e.req.Key; key != "" {
		if _, held := l.busy[key]; held {
			l.parked[key] = append(l.parked[key], e)
			l.aside++
			return
		}
		l.busy[key] = struct{}{}
	}
	if urgent {
		l.ready(e)
	} else {
		l.fresh = append(l.fresh, e)
	}
}

// ready queues an entry that holds its key ahead of the new ones.
func (l *loop) ready(e *entry) {
	if e.part != 0 {
		l.apart = append(l.apart, e)
	} else {
		l.urgent = append(l.urgent, e)
	}
}

// release gives the entry's key to the next one that waits for it.
func (l *loop) release(e *entry) {
	key := e.req.Key
	if key == "" {
		return
	}
	queue := l.parked[key]
	if len(queue) == 0 {
		delete(l.busy, key)
		return
	}
	if len(queue) == 1 {
		delete(l.parked, key)
	} else {
		l.parked[key] = queue[1:]
	}
	l.aside--
	l.ready(queue[0])
}

func (l *loop) wait(e *entry, due time.Time) {
	e.due = due
	heap.Push(&l.waiting, e)
	l.aside++
}

// want is how many entries the next batch could hold. A part goes by itself: in
// it may be what has a whole batch refused.
func (l *loop) want() int {
	if len(l.apart) == 0 {
		return min(len(l.urgent)+len(l.fresh), l.opts.BatchSize)
	}
	n := 1
	for n < len(l.apart) && l.apart[n].part == l.apart[0].part {
		n++
	}
	return n
}

// pick takes the next n ready entries, n being at most what want tells: those of
// one part, else urgent ones first.
func (l *loop) pick(n int) []*entry {
	picked := make([]*entry, 0, n)
	if len(l.apart) > 0 {
		picked = append(picked, l.apart[:n]...)
		l.apart = shift(l.apart, n)
		return picked
	}
	u := min(n, len(l.urgent))
	picked = append(picked, l.urgent[:u]...)
	picked = append(picked, l.fresh[:n-u]...)
	l.urgent = shift(l.urgent, u)
	l.fresh = shift(l.fresh, n-u)
	return picked
}

// shift drops the first n elements and keeps the array, so that a queue that
// is filled and emptied all the time does not allocate.
func shift(queue []*entry, n int) []*entry {
	rest := copy(queue, queue[n:])
	clear(queue[rest:])
	return queue[:rest]
}

// dueHeap orders entries by the time of their next attempt.
type dueHeap []*entry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*entry)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}

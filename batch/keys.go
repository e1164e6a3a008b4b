package batch

import (
	"container/heap"
	"time"
)

// admit makes an item ready to be sent, or parks it behind the one that holds
// its key, of whatever quota that is.
func (l *loop) admit(e *item, retry bool) {
	if key := e.req.Key; key != "" {
		if _, held := l.busy[key]; held {
			l.parked[key] = append(l.parked[key], e)
			l.parkedTotal++
			return
		}
		l.busy[key] = struct{}{}
	}
	if e.queue.idle() {
		e.queue.resume(time.Now())
	}
	if retry {
		e.queue.ready(e)
	} else {
		e.queue.fresh = append(e.queue.fresh, e)
	}
}

// release gives the item's key to the next one that waits for it.
func (l *loop) release(e *item) {
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
	l.parkedTotal--
	queue[0].queue.ready(queue[0])
}

func (l *loop) wait(e *item, due time.Time) {
	e.due = due
	heap.Push(&l.waiting, e)
	l.parkedTotal++
}

// shift drops the first n elements and keeps the array, so that a queue that
// is filled and emptied all the time does not allocate.
func shift(queue []*item, n int) []*item {
	rest := copy(queue, queue[n:])
	clear(queue[rest:])
	return queue[:rest]
}

// dueHeap orders items by the time of their next attempt.
type dueHeap []*item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*item)) }
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}

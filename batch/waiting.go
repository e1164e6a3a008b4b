package batch

import (
	"container/heap"
	"time"
)

// enqueue makes an item ready to be sent. If another item of any quota holds its key, enqueue parks the item.
func (l *loop) enqueue(it *item, retry bool) {
	if key := it.Request.Key; key != "" {
		if _, held := l.heldKeys[key]; held {
			l.parked[key] = append(l.parked[key], it)
			l.parkedTotal++
			return
		}
		l.heldKeys[key] = struct{}{}
	}
	if it.queue.idle() {
		it.queue.resume(time.Now())
	}
	if retry {
		it.queue.push(it)
	} else {
		it.queue.fresh = append(it.queue.fresh, it)
	}
}

// releaseKey passes the key of an item to the next item that waits for it.
func (l *loop) releaseKey(it *item) {
	key := it.Request.Key
	if key == "" {
		return
	}
	queue := l.parked[key]
	if len(queue) == 0 {
		delete(l.heldKeys, key)
		return
	}
	if len(queue) == 1 {
		delete(l.parked, key)
	} else {
		l.parked[key] = queue[1:]
	}
	l.parkedTotal--
	queue[0].queue.push(queue[0])
}

// wait parks an item until it may be sent again.
func (l *loop) wait(it *item, due time.Time) {
	it.due = due
	heap.Push(&l.waiting, it)
	l.parkedTotal++
}

// enqueueDue makes the items ready whose wait is over.
func (l *loop) enqueueDue(now time.Time) {
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		l.parkedTotal--
		l.enqueue(heap.Pop(&l.waiting).(*item), true)
	}
}

// shift removes the first n elements and keeps the array, so that a queue does not allocate each time it is filled.
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
	it := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return it
}

package batch

import (
	"slices"
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
	at, _ := slices.BinarySearchFunc(l.waiting, due, func(other *item, due time.Time) int {
		if other.due.After(due) {
			return 1
		}
		return -1 // of several with one time, the first comes first
	})
	l.waiting = slices.Insert(l.waiting, at, it)
	l.parkedTotal++
}

// enqueueDue makes the items ready whose wait is over.
func (l *loop) enqueueDue(now time.Time) {
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		it := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.parkedTotal--
		l.enqueue(it, true)
	}
}

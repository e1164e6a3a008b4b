package run

import (
	"context"
	"slices"

	"tapsweep/batch"
)

// syncIntents syncs the log before a batch with a DELETE is sent whose pass no list names. So
// a sweep that is killed, or whose machine loses power, leaves a row for each pass that it
// deleted. It waits here and not where the pass is found, because only the batch waits: the
// scan continues, and all batches that wait share an fsync.
func (r *run) syncIntents(_ context.Context, requests []batch.Request) error {
	isDelete := func(req batch.Request) bool { return req.Method == "DELETE" }
	if r.log == nil || !slices.ContainsFunc(requests, isDelete) {
		return nil
	}
	return r.log.SyncAhead()
}

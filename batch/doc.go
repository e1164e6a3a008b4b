// Package batch runs any number of requests against Microsoft Graph through
// its JSON batching: up to twenty individual requests in one POST to /$batch.
//
// A batch answers 200 whatever became of the requests in it. Each has a
// response of its own, in any order: done, refused, throttled (429), failed on
// the way, or missing. So a batch is never retried; its requests are, each for
// its own reason, in whatever batch goes next. [Runner.Run] takes requests from
// an iterator and settles each exactly once:
//
//   - A response that is Graph's final word settles the request, whatever its
//     status; the caller decides what a 404 means.
//   - 429 costs nothing but time. The request waits as long as its answer says. If a
//     limit refused it, all requests of the same [Request.Quota] wait, because limits
//     are per app and tenant, and requests sent while throttled count against the limit.
//     Package throttle works out which it was.
//   - 408, 424, 5xx, a missing, contradictory or unreadable response and a dead
//     connection cost an attempt and mark the request [Result.Uncertain]: it may
//     have been carried out.
//   - Where no connection is found nothing can have happened: that costs no attempt,
//     and everything waits while one batch at a time tries again. [ErrUnreachable]
//     ends a run in which that goes on for too long.
//   - A batch that is refused as a whole (400, 413) goes again in halves, until
//     the request that is to blame is found.
//   - 401 gets one new token for all, through [Options.Reauthorize].
//
// What settle returns is sent ahead of what the iterator still holds, so a
// request can lead to another: a LIST to the DELETE of what it found. Requests
// with the same [Request.Key] never travel together.
//
// A tenant has a limit for reads, another for writes, and more for some parts of
// Graph. Requests that name the one they count against with [Request.Quota] keep to
// the pace of that one, each quota in batches of its own; a wait for the one is none
// for the other. [Options.Observe] shows the waits.
//
// Memory is bounded by what is in flight and, with several quotas, some thousands
// of requests in queue; lists of a million requests stream.
// A [Poster] does the posting: package graph has one for Microsoft Graph,
// package graphsim a simulated tenant.
package batch

// Package batch sends requests to Microsoft Graph through JSON batching: up to 20 requests in
// one POST to /$batch, as many a second as the service allows, each until it has an answer.
//
//	runner, err := batch.NewRunner(client, batch.Options{}) // a client of package graph
//	...
//	err = runner.Run(ctx, requests, func(res batch.Result) (next []batch.Request) {
//		if res.Err == nil && res.Response.Status == 204 {
//			deleted++
//		}
//		return nil
//	})
//
// [Runner.Run] takes requests from an iterator and settles each exactly once. What settle
// returns is sent next, so a LIST can lead to the DELETE of what it found. [Runner.Do] sends one
// request. A list of a million requests streams: memory is bounded by some thousands of them.
//
// # How a request is settled
//
// A batch response has status 200 even if all requests in it failed. A batch is never sent again. Each of its requests
// may be sent again, for its own reason:
//
//   - A final answer settles the request, whatever its status. The caller decides what a 404
//     means.
//   - 429 makes the request wait as long as its answer asks.
//   - 408, 424, 5xx, a missing or unreadable answer and a lost connection cost an attempt
//     ([Options.MaxAttempts]), and the Result is [Result.Uncertain].
//   - 401 makes all requests wait for one new token ([Options.Reauthorize]).
//   - Without a connection nothing is sent. All requests wait while one batch at a time tries.
//   - If Graph rejects a whole batch (400, 413), its requests are sent again in halves, until
//     the bad request is found. For n requests this takes at most 2n-2 batches.
//   - If every batch of a quota is rejected, by Graph or by something in front of it such as a
//     gateway, its requests wait while one batch at a time tries. If the requests may be the
//     cause, that batch holds GET /organization alone.
//
// Only the third can use up the attempts of a request. A run that gets nowhere stops, see
// [Options].
//
// # Limits
//
// A tenant has a limit for reads, another for writes, and more for parts of Graph. Name the limit
// that a request counts against in [Request.Quota]: each quota has its own batches, pace and waits.
// If a limit refuses a request, all requests of that quota wait, because requests that are sent
// meanwhile also count against the limit. A Runner keeps what it has learned for its next run. With
// several quotas, Run reads src ahead until 4,096 requests are queued, so a quota that has to wait
// long delays the requests after it in src.
//
// Requests with the same [Request.Key] are never in flight at once.
package batch

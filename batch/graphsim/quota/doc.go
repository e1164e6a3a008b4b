// Package quota throttles requests as Microsoft Graph does: token buckets, fixed
// windows, and the Retry-After header in the forms that have been seen.
//
//	limits := []*quota.Limit{
//		quota.Bucket(20, 60), // 20 requests per second, 60 at once
//		quota.Window(3000, 150*time.Second).Of(quota.Writes),
//	}
//	tenant := graphsim.New(graphsim.Options{Limits: limits})
//
// A limit has state, so two tenants cannot share one. All times come from
// time.Now, so that limits work with virtual time inside a testing/synctest bubble.
package quota

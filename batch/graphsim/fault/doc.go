// Package fault makes answers of the simulated tenant fail. A Fault sets when, and its
// Effect sets how:
//
//	graphsim.Options{Faults: []fault.Fault{
//		{Method: "DELETE", Attempt: 1, Do: fault.ItemStatus(503)},   // the first attempt of each delete
//		{Batch: 3, Do: fault.Reset().AfterWork()},                   // the third batch is done, its answer is lost
//		{Path: "/users/dana@", Times: 2, Do: fault.ItemStatus(429)}, // twice for this user
//	}}
//
// Effects whose names begin with Item change the response to a single request in a
// batch. They do not happen to requests outside a batch. All others change the HTTP response
// to a whole batch, or to a request outside a batch.
package fault

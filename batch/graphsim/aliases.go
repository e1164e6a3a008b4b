package graphsim

import "tapsweep/batch/graphsim/quota"

// The old names of package quota, until the callers use the new ones.
type (
	Limit      = quota.Limit
	Kind       = quota.Kind
	RetryAfter = quota.RetryAfter
)

const (
	All           = quota.All
	Reads         = quota.Reads
	Writes        = quota.Writes
	PassReads     = quota.PassReads
	ResourceUnits = quota.ResourceUnits
)

var (
	Bucket        = quota.Bucket
	Window        = quota.Window
	ThrottleFirst = quota.First
	Honest        = quota.Seconds
	Decimal       = quota.Decimal
	Date          = quota.Date
	Missing       = quota.NoHeader
	Constant      = quota.Constant
)

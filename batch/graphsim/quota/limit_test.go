package quota

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tapsweep/testdata/assert"
)

// send is n requests at a time after the first send.
type send struct {
	at         time.Duration
	n          int
	passed     int
	retryAfter string // of the last refused request
}

const ms = time.Millisecond

func decimal(l *Limit) *Limit {
	l.RetryAfter = Decimal
	return l
}

// counting makes a limit that counts refused requests.
func counting(l *Limit) *Limit {
	l.CountRefused = true
	return l
}

var limitTests = []struct {
	name  string
	limit func() *Limit
	sends []send
}{
	{"bucket", func() *Limit { return Bucket(2, 5) }, []send{
		{0, 20, 5, "1"},
		{500 * ms, 2, 1, "1"}, // two a second
		{999 * ms, 1, 0, "1"},
		{1000 * ms, 1, 1, ""}, // exactly when there is a token again
		{10 * time.Second, 6, 5, "1"},
	}},
	{"bucket, exact", func() *Limit { return decimal(Bucket(0.25, 1)) }, []send{
		{0, 2, 1, "4"},
		{3751 * ms, 1, 0, "0.249"},
		{4000 * ms, 1, 1, ""},
	}},
	{"bucket, a wait that no float holds exactly", func() *Limit { return Bucket(3, 1) }, []send{
		{0, 2, 1, "1"},
		{time.Second / 3, 1, 1, ""},
	}},
	{"bucket, refused requests count", func() *Limit { return counting(Bucket(1, 10)) }, []send{
		{0, 20, 10, "11"}, // a debt of ten, and one more to have a token
		{10 * time.Second, 1, 0, "2"},
		{12 * time.Second, 1, 1, ""},
	}},
	{"window", func() *Limit { return Window(3, 10*time.Second) }, []send{
		{0, 2, 2, ""},
		{4 * time.Second, 2, 1, "6"},
		{10*time.Second - 1, 1, 0, "1"},
		{12 * time.Second, 4, 3, "10"}, // begins with its first request
		{21 * time.Second, 1, 0, "1"},
	}},
	{"window, refused requests count", func() *Limit { return counting(Window(3, 10*time.Second)) }, []send{
		{0, 20, 3, "10"},
		{10 * time.Second, 2, 1, "10"},
		{30 * time.Second, 3, 3, ""}, // forgiven after a window without requests
	}},
	{"first", func() *Limit { return First(3, 90*time.Second) }, []send{
		{0, 2, 0, "90"},
		{time.Second, 4, 3, "90"},
		{2 * time.Second, 20, 20, ""},
	}},
	{"closed", func() *Limit { return Closed(time.Minute) }, []send{
		{0, 2, 1, "60"},
		{59 * time.Second, 2, 0, "1"},
		{time.Minute, 20, 20, ""},
	}},
	{"reads only", func() *Limit { return Bucket(1, 1).Of(Reads) }, []send{{0, 20, 20, ""}}},
}

func TestLimits(t *testing.T) {
	for _, tt := range limitTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit, begin := tt.limit(), time.Now()
				for _, s := range tt.sends {
					time.Sleep(s.at - time.Since(begin))
					passed, last := 0, ""
					for range s.n {
						retryAfter, ok := Send([]*Limit{limit}, time.Now()).Admit(Writes, time.Now())
						if ok {
							passed++
						} else {
							last = retryAfter
						}
					}
					assert.Same(t, fmt.Sprintf("after %v: requests accepted", s.at), passed, s.passed)
					assert.Same(t, fmt.Sprintf("after %v: Retry-After", s.at), last, s.retryAfter)
				}
			})
		})
	}
}

// Requests pass if all limits have room. Otherwise the longest wait counts.
func TestSeveralLimits(t *testing.T) {
	limits := []*Limit{First(1, 3*time.Second), First(1, 9*time.Second).Of(Writes), First(1, 20*time.Second).Of(Reads)}
	retryAfter, ok := Send(limits, time.Now()).Admit(Writes, time.Now())
	assert.Same(t, "accepted", ok, false)
	assert.Same(t, "Retry-After", retryAfter, "9")
	_, ok = Send(limits, time.Now()).Admit(Writes, time.Now())
	assert.Same(t, "accepted the second time", ok, true)
}

// A request is too early if the client sends it during a wait that it knows of. At the very
// moment of the answer, the client does not know of the wait yet.
func TestSentTooEarly(t *testing.T) {
	limits, begin := []*Limit{First(1, 10*time.Second).Of(Writes)}, time.Now()
	refused := Send(limits, begin)
	if _, ok := refused.Admit(Writes, begin); ok {
		t.Fatal("the first request is not refused")
	}
	refused.Delivered(begin)
	for _, tt := range []struct {
		after time.Duration
		kind  Kind
		want  bool
	}{
		{0, Writes, false},
		{1, Writes, true},
		{1, Reads, false},
		{10*time.Second - 1, Writes, true},
		{10 * time.Second, Writes, false},
	} {
		assert.Same(t, fmt.Sprintf("%v after the answer, kind %v: too early", tt.after, tt.kind),
			Send(limits, begin.Add(tt.after)).SentTooEarly(tt.kind), tt.want)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 30, 1, 500, time.UTC)
	for _, tt := range []struct {
		name  string
		write RetryAfter
		wait  time.Duration
		want  string
	}{
		{"seconds", Seconds, 2*time.Second + 1, "3"},
		{"whole seconds", Seconds, 2 * time.Second, "2"},
		{"decimal", Decimal, 248100 * time.Microsecond, "0.249"},
		{"decimal, whole", Decimal, 7 * time.Second, "7"},
		{"date", Date, time.Second, "Mon, 02 Mar 2026 08:30:03 GMT"},
		{"constant", Constant("1"), time.Minute, "1"},
		{"no header", NoHeader, time.Minute, ""},
	} {
		assert.Same(t, fmt.Sprintf("%s: %v", tt.name, tt.wait), tt.write(tt.wait, now), tt.want)
	}
}

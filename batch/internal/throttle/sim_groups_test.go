package throttle_test

import "time"

// A group is shapes of one kind.
type group struct {
	name   string
	shapes []shape
}

func charge(b *bucket)             { b.charged = true }
func chargeNext(w *window)         { w.charged = true }
func told(w wording) func(*bucket) { return func(b *bucket) { b.tell = w } }

func groups() []group {
	const ms = time.Millisecond
	bucket40, window300 := bucketShape(40, 80), windowShape(300, 5*time.Second)
	var buckets, charged []shape
	for _, rate := range []float64{0.5, 5, 40, 100, 800, 2000} {
		for _, span := range []float64{0.1, 0.5, 1, 2, 10, 100} {
			if burst := rate * span; burst >= 1 && burst <= 20_000 {
				buckets = append(buckets, bucketShape(rate, burst))
			}
		}
		charged = append(charged, bucketShape(rate, max(2, rate*0.5), charge),
			bucketShape(rate, max(5, 2*rate), charge))
	}
	var waits []shape
	for _, w := range []struct {
		name string
		tell wording
	}{{"decimal", decimal}, {"always 1", alwaysOne}, {"absent", absent}, {"ten times too long", tenfold}} {
		waits = append(waits,
			bucketShape(40, 80, told(w.tell)).named("Retry-After "+w.name, func(*shape) {}),
			windowShape(300, 5*time.Second, func(x *window) { x.tell = w.tell }).named("Retry-After "+w.name,
				func(*shape) {}),
			shape{name: "5 % of items, Retry-After " + w.name, server: func(seed uint64) server {
				return &chance{share: 0.05, tell: w.tell, rng: source(seed)}
			}})
	}
	var latencies []shape
	for _, l := range []struct {
		name string
		latency
	}{
		{"5 ms", latency{base: 5 * ms, jitter: ms}},
		{"heavy tail", latency{base: 50 * ms, jitter: 2 * ms, sigma: 1}},
		{"1 s", latency{base: time.Second, jitter: 50 * ms}},
		{"5 s", latency{base: 5 * time.Second, jitter: 250 * ms}},
	} {
		for _, s := range []shape{bucket40, bucketShape(800, 1600), window300, itemsShape(0.05, 0),
			batchesShape(0.05, 0)} {
			latencies = append(latencies, s.after(l.latency, l.name))
		}
	}
	second := func(s shape) shape { return s.named("two runs", func(s *shape) { s.runs = 2 }) }
	var crowds []shape
	for _, l := range []struct {
		name string
		latency
	}{
		{"in order", latency{base: 50 * ms}},
		{"10 ms of jitter", latency{base: 50 * ms, jitter: 10 * ms}},
		{"50 ms of jitter", latency{base: 50 * ms, jitter: 50 * ms}},
	} {
		for _, s := range []shape{
			bucket40, bucketShape(40, 80, charge), windowShape(60, time.Second),
			windowShape(60, time.Second, chargeNext),
			windowShape(200, 8*time.Second), windowShape(200, 8*time.Second, chargeNext),
		} {
			crowds = append(crowds, s.after(l.latency, l.name))
		}
	}
	inTurn := func(s shape) shape { return s.named("one after another", func(s *shape) { s.spread = 20 * ms }) }
	return []group{
		{"token buckets", buckets},
		{"token buckets, refusals charged", charged},
		{"windows", []shape{
			windowShape(3000, 150*time.Second), window300, windowShape(60, time.Second), windowShape(200, time.Second),
			windowShape(200, 8*time.Second), windowShape(5, 5*time.Second), windowShape(5, 10*time.Second),
		}},
		{"windows, refusals charged", []shape{
			windowShape(300, 5*time.Second, chargeNext), windowShape(60, time.Second, chargeNext),
			windowShape(200, 8*time.Second, chargeNext), windowShape(5, 10*time.Second, chargeNext),
		}},
		{"sliding windows", []shape{
			slidingShape(300, 5*time.Second, false), slidingShape(60, time.Second, false),
			slidingShape(5, 10*time.Second, false), slidingShape(300, 5*time.Second, true),
		}},
		{"aligned windows", []shape{
			alignedShape(300, 5*time.Second), alignedShape(60, time.Second), alignedShape(200, 8*time.Second),
			alignedShape(5, 10*time.Second), alignedShape(3000, 150*time.Second),
		}},
		{"caps on requests in flight", []shape{atOnceShape(20), atOnceShape(60), atOnceShape(200)}},
		{"random items", []shape{
			itemsShape(0.01, 0), itemsShape(0.05, 0), itemsShape(0.14, 0), itemsShape(0.33, 0),
			itemsShape(0, 7), itemsShape(0, 3),
		}},
		{"random whole batches, 429 or 503", []shape{
			batchesShape(0.01, 0), batchesShape(0.05, 0), batchesShape(0.14, 0), batchesShape(0.33, 0),
			batchesShape(0, 7), batchesShape(0, 3),
		}},
		{"random refusals on top of a limit", []shape{
			itemsShape(0.01, 0).on(bucket40), itemsShape(0.05, 0).on(bucket40), itemsShape(0.14, 0).on(bucket40),
			batchesShape(0.05, 0).on(bucket40), batchesShape(0, 3).on(bucket40),
			itemsShape(0.05, 0).on(bucketShape(800, 1600)),
			itemsShape(0.05, 0).on(window300), batchesShape(0.05, 0).on(window300),
			itemsShape(0.05, 0).on(windowShape(60, time.Second)),
		}},
		{"limits of single users", []shape{
			usersShape(0.05, alwaysOne, "1 s", bucket40), usersShape(0.05, nil, "the rest", bucket40),
			usersShape(0.05, alwaysOne, "1 s", shape{}), usersShape(0.05, nil, "the rest", shape{}),
		}},
		{"other forms of Retry-After", waits},
		{"latencies", latencies},
		// Over sockets, batches that are sent at one instant arrive in any order, and their answers do too.
		// TestPaceRealTime of package batch shows this.
		{"batches in order and out of order", crowds},
		{"requests of a batch one after another", []shape{
			inTurn(bucket40), inTurn(bucketShape(40, 80, charge)), inTurn(window300),
			inTurn(windowShape(60, time.Second, chargeNext)), inTurn(itemsShape(0.05, 0)),
		}},
		{"services that saturate", []shape{
			saturatingShape(20, 50*ms), saturatingShape(100, 50*ms), saturatingShape(400, 200*ms),
			saturatingShape(2000, 50*ms),
		}},
		{"limits that move, a second client", []shape{
			moving("20/s, half from 20 s to 40 s", 20, 60, step{20 * time.Second, 0.5}, step{40 * time.Second, 1}),
			moving("20/s, half from 200 s to 500 s", 20, 60, step{200 * time.Second, 0.5}, step{500 * time.Second, 1}),
			moving("20/s, twice from 15 s on", 20, 60, step{15 * time.Second, 2}),
			moving("20/s, a tenth from 15 s to 45 s", 20, 60, step{15 * time.Second, 0.1}, step{45 * time.Second, 1}),
			moving("20/s, a second client takes half from 15 s on", 20, 60, step{15 * time.Second, 0.5}),
			moving("800/s, a second client takes half from 5 s to 15 s", 800, 1600,
				step{5 * time.Second, 0.5}, step{15 * time.Second, 1}),
			moving("40/s, a second client takes nine tenths for 5 s in every 20 s", 40, 80,
				bursts(5*time.Second, 20*time.Second)...),
			windowShape(300, 5*time.Second, func(w *window) {
				w.steps = []step{{10 * time.Second, 0.5}, {60 * time.Second, 1}}
			}).named("half from 10 s to 60 s", func(*shape) {}),
		}},
		{"two runs at once", []shape{
			second(bucket40), second(bucketShape(100, 50)), second(bucketShape(800, 1600)), second(window300),
			second(windowShape(60, time.Second)), second(itemsShape(0.05, 0)),
		}},
	}
}

func moving(name string, rate, burst float64, steps ...step) shape {
	s := bucketShape(rate, burst, func(b *bucket) { b.steps = steps })
	s.name = name
	return s
}

// bursts returns the steps of a limit of which another client takes nine tenths for a part of each period.
func bursts(part, period time.Duration) (steps []step) {
	for at := period; at < time.Hour; at += period {
		steps = append(steps, step{at, 0.1}, step{at + part, 1})
	}
	return steps
}

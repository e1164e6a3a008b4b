package batch_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"tapsweep/batch"
	"tapsweep/batch/graphsim"
)

var (
	pace       = flag.String("pace", "", "measure the pace and write the table to this file")
	paceReadme = flag.String("pace-readme", "", "put a summary of the table into this file")
	paceOnly   = flag.String("pace-only", "", "measure only what matches this expression")
)

// A shape is a limit, and how long a client that knew it would take.
type shape struct {
	name  string
	limit func() *graphsim.Limit
	ideal func(n float64) float64 // seconds for n requests, without the last latency
}

func bucketShape(rate, burst float64) shape {
	return shape{
		name:  fmt.Sprintf("bucket %g/s, burst %g", rate, burst),
		limit: func() *graphsim.Limit { return graphsim.Bucket(rate, burst) },
		ideal: func(n float64) float64 { return max(0, (n-burst)/rate) },
	}
}

func windowShape(size int, per time.Duration) shape {
	return shape{
		name:  fmt.Sprintf("window %d in %v", size, per),
		limit: func() *graphsim.Limit { return graphsim.Window(size, per) },
		ideal: func(n float64) float64 { return math.Ceil(n/float64(size)-1) * per.Seconds() },
	}
}

var shapes = []shape{
	bucketShape(0.5, 5),
	bucketShape(20, 60),
	bucketShape(60, 60),
	bucketShape(100, 50),
	bucketShape(800, 8000),
	windowShape(3000, 150*time.Second),
	windowShape(300, 5*time.Second),
	windowShape(60, time.Second),
	windowShape(5, 10*time.Second),
}

// moving are shapes whose limit changes under the run; ideal is for the rates
// as they were.
var moving = []shape{
	{
		name: "20/s, half from 20 s to 40 s",
		limit: func() *graphsim.Limit {
			return graphsim.Bucket(20, 60).Scale(20*time.Second, 0.5).Scale(40*time.Second, 1)
		},
		ideal: func(n float64) float64 { return halved(n, 20, 60, 20, 40) },
	},
	{
		name: "20/s, half from 200 s to 500 s",
		limit: func() *graphsim.Limit {
			return graphsim.Bucket(20, 60).Scale(200*time.Second, 0.5).Scale(500*time.Second, 1)
		},
		ideal: func(n float64) float64 { return halved(n, 20, 60, 200, 500) },
	},
	{
		name:  "20/s, a second client takes 10/s from 15 s on",
		limit: func() *graphsim.Limit { return graphsim.Bucket(20, 60).Load(15*time.Second, 10) },
		ideal: func(n float64) float64 { return halved(n, 20, 60, 15, math.Inf(1)) },
	},
	{
		name: "800/s, a second client takes 400/s from 5 s to 15 s",
		limit: func() *graphsim.Limit {
			return graphsim.Bucket(800, 1600).Load(5*time.Second, 400).Load(15*time.Second, 0)
		},
		ideal: func(n float64) float64 { return halved(n, 800, 1600, 5, 15) },
	},
}

// halved is the time for n requests at a rate that is half from a to b.
func halved(n, rate, burst, a, b float64) float64 {
	n -= burst
	switch {
	case n <= rate*a:
		return max(0, n/rate)
	case n <= rate*a+rate/2*(b-a):
		return a + (n-rate*a)/(rate/2)
	default:
		return b + (n-rate*a-rate/2*(b-a))/rate
	}
}

var forms = []struct {
	name   string
	form   graphsim.RetryAfter
	honest bool
}{
	{"whole", graphsim.Honest, true},
	{"decimal", graphsim.Decimal, true},
	{"date", graphsim.Date, true},
	{`always "1"`, graphsim.Constant("1"), false},
	{"missing", graphsim.Missing, false},
}

type measured struct {
	took, ideal, refused float64
	early                int
}

// measure runs n deletes against a limit in virtual time.
func measure(t *testing.T, s shape, form graphsim.RetryAfter, counted bool, latency time.Duration, n int) measured {
	var m measured
	synctest.Test(t, func(t *testing.T) {
		limit := s.limit()
		limit.RetryAfter, limit.CountRefused = form, counted
		tenant := graphsim.New(graphsim.Options{Latency: latency, Limits: []*graphsim.Limit{limit}})
		start := time.Now()
		results := runAll(t, tenant, batch.Options{RequestTimeout: time.Hour}, deletes(tenant.Populate(n)))
		m.took = time.Since(start).Seconds()
		if len(results) != n || len(tenant.Left()) != 0 {
			t.Errorf("%s: %d results, %d passes left", s.name, len(results), len(tenant.Left()))
		}
		stats := tenant.Stats()
		m.ideal = s.ideal(float64(n)) + latency.Seconds()
		m.refused = float64(stats.Refused) / float64(stats.Requests)
		m.early = stats.Early
	})
	return m
}

// What is measured of a bucket that holds no more than a second's worth is not lost by
// the waits in which it runs over. How much is depends on the order of the answers: of 46
// runs of the second one was below its bound, by a hundredth, so the middle one counts.
func TestPaceOfSmallBuckets(t *testing.T) {
	for _, tt := range []struct {
		shape
		least float64
	}{
		{bucketShape(60, 60), 0.96},
		{bucketShape(100, 50), 0.7},
	} {
		holds(t, tt.shape, graphsim.Honest, false, 12_000, 5, tt.least)
	}
}

// Where quota comes back all at once, each window is used up and the next one begun in
// time, whether the service names waits of seconds or of milliseconds. It need not name
// any where a window is no longer than the wait that is tried first.
func TestPaceOfWindows(t *testing.T) {
	for _, tt := range []struct {
		shape
		form    graphsim.RetryAfter
		counted bool // refused requests
		least   float64
	}{
		{windowShape(60, time.Second), graphsim.Honest, false, 0.95},
		{windowShape(60, time.Second), graphsim.Decimal, false, 0.95},
		{windowShape(60, time.Second), graphsim.Missing, false, 0.95},
		{windowShape(60, time.Second), graphsim.Date, true, 0.9},
		{windowShape(200, time.Second), graphsim.Honest, false, 0.93},
		{windowShape(300, 5*time.Second), graphsim.Honest, false, 0.95},
		{windowShape(300, 5*time.Second), graphsim.Honest, true, 0.95},
		{windowShape(5, 10*time.Second), graphsim.Honest, true, 0.95},
	} {
		holds(t, tt.shape, tt.form, tt.counted, 12_000, 3, tt.least)
	}
}

// holds runs n deletes against a limit, so many times. The middle one must take no longer
// than so much of the ideal time, and in each few are refused and none is sent early.
func holds(t *testing.T, s shape, form graphsim.RetryAfter, counted bool, n, runs int, least float64) {
	t.Helper()
	var all []measured
	for range runs {
		m := measure(t, s, form, counted, 50*time.Millisecond, n)
		if m.refused > 0.03 || m.early > 0 {
			t.Errorf("%s: %.1f %% refused, %d early", s.name, 100*m.refused, m.early)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b measured) int { return cmp.Compare(a.took, b.took) })
	m := all[runs/2]
	t.Logf("%s: %.3f of the ideal pace, %.1f %% refused", s.name, m.ideal/m.took, 100*m.refused)
	if m.ideal/m.took < least {
		t.Errorf("%s: %.1f s where %.1f are ideal", s.name, m.took, m.ideal)
	}
}

// TestPace prints, for each kind of limit, how the time compares with that of a
// client that knew it. It is a measurement, run by make bench.
func TestPace(t *testing.T) {
	if *pace == "" {
		t.Skip("run by make bench")
	}
	only := regexp.MustCompile(*paceOnly)
	var lines []*paceLine
	add := func(s shape, form int, counted bool, latency time.Duration, sizes ...int) {
		for _, n := range sizes {
			l := &paceLine{shape: s, form: form, counted: counted, latency: latency, n: n}
			if only.MatchString(l.String()) {
				lines = append(lines, l)
			}
		}
	}
	const usual = 50 * time.Millisecond
	for _, s := range shapes {
		for _, counted := range []bool{false, true} {
			for f := range forms {
				add(s, f, counted, usual, 40, 1000, 20_000)
			}
		}
	}
	for _, s := range shapes {
		for _, latency := range []time.Duration{time.Second, 20 * time.Second} {
			add(s, 0, false, latency, 40, 1000, 20_000)
		}
	}
	for _, s := range moving {
		add(s, 0, false, usual, 1000, 20_000)
	}
	t.Run("shapes", func(t *testing.T) {
		for _, l := range lines {
			t.Run(l.String(), func(t *testing.T) {
				t.Parallel()
				l.measured = measure(t, l.shape, forms[l.form].form, l.counted, l.latency, l.n)
			})
		}
	})
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| limit\t| Retry-After\t| refused count\t| latency\t| requests\t| time\t| ideal\t| ratio\t| refused\t| early\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, l := range lines {
		counted := "no"
		if l.counted {
			counted = "yes"
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %v\t| %d\t| %.1f s\t| %.1f s\t| %.2f\t| %.1f %%\t| %d\t|\n", l.shape.name, forms[l.form].name,
			counted, l.latency, l.n, l.took, l.ideal, l.ideal/l.took, 100*l.refused, l.early)
	}
	w.Flush()
	if err := os.WriteFile(*pace, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if *paceReadme != "" {
		writeSummary(t, *paceReadme, lines)
	}
}

// writeSummary puts the lines that most readers want between the marks in the
// README: one row a limit, the usual latency, Retry-After in whole seconds.
func writeSummary(t *testing.T, readme string, lines []*paceLine) {
	cells := make(map[string]string)
	for _, l := range lines {
		if forms[l.form].name == "whole" && l.latency == 50*time.Millisecond {
			cells[fmt.Sprint(l.shape.name, l.counted, l.n)] = fmt.Sprintf("%.2f (%.1f %%)", l.ideal/l.took, 100*l.refused)
		}
	}
	var b strings.Builder
	b.WriteString("<!-- pace -->\n| limit | 1,000 requests | 20,000 | 1,000, refused ones count too | 20,000 |\n|---|---|---|---|---|\n")
	for _, s := range slices.Concat(shapes, moving) {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, counted := range []bool{false, true} {
			for _, n := range []int{1000, 20_000} {
				fmt.Fprintf(&b, " %s |", cells[fmt.Sprint(s.name, counted, n)])
			}
		}
		b.WriteString("\n")
	}
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- pace -->")
	_, after, ok2 := strings.Cut(rest, "<!-- /pace -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no marks for the table", readme)
	}
	if err := os.WriteFile(readme, []byte(before+b.String()+"<!-- /pace -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A paceLine is one line of the table.
type paceLine struct {
	shape   shape
	form    int
	counted bool
	latency time.Duration
	n       int
	measured
}

func (l *paceLine) String() string {
	return fmt.Sprintf("%s, %s, counted %v, %v, %d", l.shape.name, forms[l.form].name, l.counted, l.latency, l.n)
}

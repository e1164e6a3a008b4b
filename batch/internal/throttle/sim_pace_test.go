package throttle_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	paceFlag  = flag.String("pace", "", "measure the pace and write the table to this file")
	pageFlag  = flag.String("pace-page", "", "put a summary of the table into this page of the manual")
	shapeFlag = flag.String("shape", "", "print only the shapes that match this expression")
	groupFlag = flag.String("group", "", "print only the groups that match this expression")
	sizeFlag  = flag.Int("requests", 0, "print only lists of so many requests")
	showFlag  = flag.Duration("show", 0, "print what tapsweep's pacer lets go and is told until this time of each run")
	whoFlag   = flag.String("who", "^tapsweep$", "print only the pacers that match this expression")
)

var sizes = []int{40, 200, 1000, 20_000}

// A line is one shape with one number of requests, measured with each pacer.
type line struct {
	group string
	shape
	n       int
	results []measured
}

// measureAll measures the lines that match, on all processors.
func measureAll(who []rival, matches func(l *line) bool) []*line {
	var lines []*line
	for _, g := range groups() {
		for _, s := range g.shapes {
			for _, n := range sizes {
				if l := (&line{group: g.name, shape: s, n: n}); matches(l) {
					l.results = make([]measured, len(who))
					lines = append(lines, l)
				}
			}
		}
	}
	jobs := make(chan func())
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	for _, l := range lines {
		for i, r := range who {
			jobs <- func() { l.results[i] = l.measure(r, l.n) }
		}
	}
	close(jobs)
	workers.Wait()
	return lines
}

// TestShapes prints what is asked for by flags:
//
//	go test ./batch/internal/throttle -run TestShapes -v -group 'random items' -requests 1000
//	go test ./batch/internal/throttle -run TestShapes -v -shape '^bucket 40/s, burst 80$' -who .
//	go test ./batch/internal/throttle -run TestShapes -v -shape '^bucket 40/s, burst 80$' -requests 200 -show 5s
func TestShapes(t *testing.T) {
	if *shapeFlag == "" && *groupFlag == "" {
		t.Skip("run with -shape or -group")
	}
	shapes, in := regexp.MustCompile(*shapeFlag), regexp.MustCompile(*groupFlag)
	name := regexp.MustCompile(*whoFlag)
	var who []rival
	for _, r := range rivals {
		if name.MatchString(r.name) {
			who = append(who, r.shown(*showFlag))
		}
	}
	lines := measureAll(who, func(l *line) bool {
		return in.MatchString(l.group) && shapes.MatchString(l.name) && (*sizeFlag == 0 || l.n == *sizeFlag)
	})
	for _, l := range lines {
		for i, m := range l.results {
			fmt.Printf("%-60s %6d  %-14s %.3f  refused %5.1f %% (%.0f)  early %s  %.1f s of %.1f  slowest %v\n",
				l.name, l.n, who[i].name, m.ratio, 100*m.share, m.refused, percent(m.early), m.took, m.ideal,
				m.slowest.Round(time.Millisecond))
		}
	}
	for i, r := range who {
		fmt.Printf("all %d lines, %s: %s\n", len(lines), r.name, summarise(lines, i))
	}
}

// TestPace writes the table of all shapes. It is a measurement, run by make bench-pace.
func TestPace(t *testing.T) {
	if *paceFlag == "" {
		t.Skip("run by make bench-pace")
	}
	start := time.Now()
	lines := measureAll(rivals, func(*line) bool { return true })
	took := time.Since(start)
	var b strings.Builder
	fmt.Fprintf(&b, "# Pace\n\n%d shapes and sizes, %d runs each, of %d pacers, in virtual time: %.0f s in all.\n\n",
		len(lines), seeds, len(rivals), took.Seconds())
	b.WriteString("Each cell holds the time of a client that knows the service over the time taken, " +
		"the share of\nrequests that was refused, and the share that was sent early. " +
		"A ratio of 0.00 is a run that was cut.\n\n")
	b.WriteString(summary(lines))
	group := ""
	for _, l := range lines {
		if l.group != group {
			group = l.group
			fmt.Fprintf(&b, "\n## %s\n\n| service | requests | ideal |", group)
			for _, r := range rivals {
				fmt.Fprintf(&b, " %s |", r.name)
			}
			b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(rivals)) + "\n")
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f s |", l.name, l.n, l.results[0].ideal)
		for _, m := range l.results {
			fmt.Fprintf(&b, " %.2f / %s / %s |", m.ratio, percent(m.share), percent(m.early))
		}
		b.WriteString("\n")
	}
	if err := os.WriteFile(*paceFlag, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if *pageFlag != "" {
		writeSummary(t, *pageFlag, short(lines))
	}
}

// short returns a table with one row for each pacer, over all lines.
func short(lines []*line) string {
	var b strings.Builder
	b.WriteString("| client | mean | worst | refused | sent early |\n|---|---|---|---|---|\n")
	for i, r := range rivals {
		fmt.Fprintf(&b, "| %s | %s |\n", r.name, strings.ReplaceAll(summarise(lines, i), " / ", " | "))
	}
	return b.String()
}

// summary returns a table with one row for each group.
func summary(lines []*line) string {
	var b strings.Builder
	b.WriteString("| mean / worst / refused / early |")
	for _, r := range rivals {
		fmt.Fprintf(&b, " %s |", r.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(rivals)) + "\n")
	for _, g := range groups() {
		var of []*line
		for _, l := range lines {
			if l.group == g.name {
				of = append(of, l)
			}
		}
		fmt.Fprintf(&b, "| %s |", g.name)
		for i := range rivals {
			fmt.Fprintf(&b, " %s |", summarise(of, i))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// summarise returns the means of one pacer over lines.
func summarise(lines []*line, who int) string {
	mean, worst, share, early := 0.0, 1.0, 0.0, 0.0
	for _, l := range lines {
		m := l.results[who]
		mean += m.ratio / float64(len(lines))
		worst = min(worst, m.ratio)
		share += m.share / float64(len(lines))
		early += m.early / float64(len(lines))
	}
	return fmt.Sprintf("%.2f / %.2f / %s / %s", mean, worst, percent(share), percent(early))
}

// percent formats a share. It is 0 only for nothing at all.
func percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1 %"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*share), ".0") + " %"
}

// writeSummary writes text between the marks in a page of the manual.
func writeSummary(t *testing.T, page, text string) {
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(old), "<!-- pace -->")
	_, after, ok2 := strings.Cut(rest, "<!-- /pace -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no marks for the table", page)
	}
	new := before + "<!-- pace -->\n" + text + "<!-- /pace -->" + after
	if err := os.WriteFile(page, []byte(new), 0o644); err != nil {
		t.Fatal(err)
	}
}

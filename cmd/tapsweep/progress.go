package main

import (
	"sync"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

const progressEvery = 10 * time.Second

// progress writes a line about the run every ten seconds.
type progress struct {
	mu      sync.Mutex
	settled int
	left    int // settled, and not done

	quit chan struct{}
	wg   sync.WaitGroup
}

func (a *app) startProgress(mode string, total int) *progress {
	p := &progress{quit: make(chan struct{})}
	if mode == "none" || mode == "auto" && !isTerminal(a.stderr) {
		return p
	}
	p.wg.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		before := 0
		for {
			select {
			case <-p.quit:
				return
			case <-tick.C:
			}
			p.mu.Lock()
			settled, left := p.settled, p.left
			p.mu.Unlock()
			a.say("%d of %d rows, %.1f/s, %d not revoked", settled, total,
				float64(settled-before)/progressEvery.Seconds(), left)
			before = settled
		}
	})
	return p
}

func (p *progress) row(row *results.Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled++
	if !row.Outcome.Done() {
		p.left++
	}
}

func (p *progress) stop() {
	close(p.quit)
	p.wg.Wait()
}

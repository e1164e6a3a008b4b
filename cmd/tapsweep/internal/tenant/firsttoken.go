package tenant

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"tapsweep/batch/graph"
	"tapsweep/cmd/tapsweep/internal/auth"
)

// How long one request for the first token may take. A machine that returns no token within a minute will not
// return one later. A person has as long as a device code is valid.
// Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
const (
	machinePatience = time.Minute
	personPatience  = 15 * time.Minute
)

// The wait between two requests for the first token grows from firstPause to mostPause.
const (
	firstPause = time.Second
	mostPause  = 15 * time.Second
)

// firstToken requests a token. During an outage of the authority it tries again, until t.Stall is over or the
// deadline of the context is near. Then it returns the error of the outage. If the first attempt finds no
// connection, firstToken does not wait, because the address may be wrong. After an outage has begun, it also
// waits while there is no connection.
func (t *Target) firstToken(ctx context.Context, client *graph.Client) (string, error) {
	start, outage := time.Now(), false
	for n := 0; ; n++ {
		token, err := t.askToken(ctx, client)
		if err == nil || ctx.Err() != nil {
			return token, err
		}
		away := t.credential.Unreached()
		passes := away != nil && (away.Kind == auth.Outage || outage && away.Kind == auth.NoConnection)
		wait := pause(n)
		left := t.Stall - time.Since(start)
		if end, ok := ctx.Deadline(); ok {
			left = min(left, time.Until(end))
		}
		if passes {
			wait = max(wait, away.Wait)
		}
		if !passes || wait >= left {
			return "", err
		}
		if !outage && !t.Quiet {
			t.opts.Say("%v; retrying for up to %v", away, t.Stall)
		}
		outage = true
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", err
		}
	}
}

// pause returns how long to wait after n earlier attempts. The wait doubles up to mostPause. It is shortened
// at random by up to a quarter, so that clients do not ask at the same time.
func pause(n int) time.Duration {
	d := min(firstPause<<min(n, 10), mostPause)
	return d - time.Duration(rand.Float64()*float64(d)/4)
}

// askToken requests a token. It gives up if an endpoint, a tool or a file hangs, even one that ignores the
// context.
func (t *Target) askToken(ctx context.Context, client *graph.Client) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.SignInTime(), fmt.Errorf("no answer within %v", t.SignInTime()))
	defer cancel()
	type result struct {
		token string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := client.Token(ctx)
		done <- result{token, err}
	}()
	select {
	case r := <-done:
		if r.err == nil || ctx.Err() == nil {
			return r.token, r.err
		}
	case <-ctx.Done():
	}
	err := context.Cause(ctx)
	if cut := t.credential.Unreached(); cut != nil {
		err = &auth.AuthorityUnreachableError{Host: cut.Host, Err: err}
	}
	return "", &graph.TokenError{Err: err}
}

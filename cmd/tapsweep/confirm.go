package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sampleSize is how many pairs are shown before a person says yes.
const sampleSize = 5

// typedAbove is the number of pairs from which "y" is not enough: a number has
// to be read to be typed.
const typedAbove = 100

// canAsk tells whether somebody is there to confirm.
func (a *app) canAsk(lists []string) bool {
	return isTerminal(a.stdin) && isTerminal(a.stderr) && !slices.Contains(lists, "-")
}

// confirm shows what is about to happen and asks.
func (a *app) confirm(ctx context.Context, r *runOf) error {
	t, list := r.tenant, r.list
	stats := list.Stats()
	fmt.Fprintf(a.stderr, "About to revoke %s of %s in tenant %s at %s.\n",
		plural(stats.Unique, "pass", "passes"), plural(stats.Users, "user", "users"), orUnknown(t.id), t.root)
	fmt.Fprintf(a.stderr, "Signed in as %s.\n", orUnknown(t.who))
	if n := r.earlier.Len(); n > 0 {
		fmt.Fprintf(a.stderr, "Left out: %d settled before.\n", n)
	}
	if n := protectedPairs(r); n > 0 {
		fmt.Fprintf(a.stderr, "Left out: %s of protected users.\n", plural(n, "pass", "passes"))
	}
	if stats.AnyPass > 0 {
		fmt.Fprintf(a.stderr, "Of %s whatever pass there is, since the list names none.\n", plural(stats.AnyPass, "user", "users"))
	}
	for _, p := range list.Sample(sampleSize) {
		method := p.Method
		if method == "" {
			method = "whatever pass the user holds"
		}
		fmt.Fprintf(a.stderr, "  %s  %s\n", p.User, method)
	}
	if more := stats.Unique - sampleSize; more > 0 {
		fmt.Fprintf(a.stderr, "  and %d more\n", more)
	}
	if stats.Duplicates+stats.Invalid+stats.Done > 0 {
		fmt.Fprintf(a.stderr, "Left out: %s, %s, %d done before.\n",
			plural(stats.Duplicates, "duplicate", "duplicates"), plural(stats.Invalid, "bad row", "bad rows"), stats.Done)
	}
	want := []string{"y", "yes"}
	if stats.Unique > typedAbove {
		want = []string{strconv.Itoa(stats.Unique)}
		fmt.Fprintf(a.stderr, "Type %s to go on: ", want[0])
	} else {
		fmt.Fprint(a.stderr, "Go on? [y/N] ")
	}
	typed := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.stdin).ReadString('\n')
		typed <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-typed:
		if slices.Contains(want, answer) {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
	}
	return refuse(errors.New("not confirmed, nothing was sent"))
}

// protectedPairs counts the pairs that the protect lists keep from being touched.
func protectedPairs(r *runOf) (n int) {
	for p, err := range r.list.Pairs() {
		if err != nil {
			return n // the run will meet it too, and say so
		}
		if p.Err == nil && p.FirstOf == nil && r.keep.Has(p.User) {
			n++
		}
	}
	return n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func orUnknown(s string) string {
	if s == "" {
		return "(unknown)"
	}
	return s
}

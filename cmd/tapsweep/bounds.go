package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// A bounded is the value of a flag that is not taken beyond bounds. It is refused as
// soon as it is set, as a choice is.
type bounded struct {
	pflag.Value
	within func() bool
	want   string
}

func (b *bounded) Set(text string) error {
	before := b.String()
	if err := b.Value.Set(text); err != nil {
		return err
	}
	if !b.within() {
		_ = b.Value.Set(before) // which was good enough
		if b.Type() == "string" {
			text = strconv.Quote(text)
		}
		return &valueError{text, b.want}
	}
	return nil
}

func bound(fl *pflag.FlagSet, name, want string, within func() bool) {
	f := fl.Lookup(name)
	f.Value = &bounded{f.Value, within, want}
	if f.DefValue == "0s" {
		f.DefValue = "0" // which help leaves out, whatever the type
	}
}

// between bounds a number.
func between(fl *pflag.FlagSet, name string, n *int, least, most int) {
	want := fmt.Sprintf("between %d and %d", least, most)
	if most == math.MaxInt {
		want = fmt.Sprintf("at least %d", least)
	}
	bound(fl, name, want, func() bool { return *n >= least && *n <= most })
}

// atLeast bounds a time.
func atLeast(fl *pflag.FlagSet, name string, d *time.Duration, least time.Duration) {
	bound(fl, name, fmt.Sprintf("at least %v", least), func() bool { return *d >= least })
}

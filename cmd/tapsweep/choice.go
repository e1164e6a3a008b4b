package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A choice is the value of a flag that takes one of a few words. Others are refused
// as soon as the flag is set, so that its variable, tapsweep check and the shell
// know the words, too.
type choice struct {
	value *string
	words []cobra.Completion // with a description behind a tab where a word needs one
	also  func(string) bool  // what is taken and not offered
}

// addChoice adds a flag that takes one of words, or what it is by default.
func addChoice(fl *pflag.FlagSet, p *string, name, value string, words []cobra.Completion, usage string) *choice {
	*p = value
	c := &choice{value: p, words: words, also: func(word string) bool { return word == value }}
	fl.Var(c, name, usage)
	return c
}

func (c *choice) Set(word string) error {
	if !c.also(word) && !slices.ContainsFunc(c.words, func(w cobra.Completion) bool { return bare(w) == word }) {
		return notAmong(word, c.words)
	}
	*c.value = word
	return nil
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "string" }

// A valueError says that a flag does not take a value, and what it does take.
type valueError struct{ value, want string }

func (e *valueError) Error() string { return e.value + " is not " + e.want }

func notAmong(word string, words []cobra.Completion) error {
	var names []string
	for _, w := range words {
		names = append(names, bare(w))
	}
	return &valueError{strconv.Quote(word), oneOf(names)}
}

// bare is a word without its description.
func bare(word cobra.Completion) string {
	name, _, _ := strings.Cut(word, "\t")
	return name
}

// oneOf writes words, and their descriptions, as a usage string has them.
func oneOf(words []cobra.Completion) string {
	texts := slices.Clone(words)
	for i, w := range words {
		if name, description, ok := strings.Cut(w, "\t"); ok {
			texts[i] = name + " (" + description + ")"
		}
	}
	last := len(texts) - 1
	if last == 0 {
		return texts[0]
	}
	return strings.Join(texts[:last], ", ") + " or " + texts[last]
}

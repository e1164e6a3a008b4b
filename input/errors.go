package input

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxProblems = 20  // how many errors Problems keeps
	maxShown    = 100 // characters of a value in a message
)

// A LineError says what is wrong at one place of a list.
type LineError struct {
	Source string
	Line   int    // counted from 1, 0 when the error concerns the whole list
	Column int    // in bytes, counted from 1, 0 when unknown
	Field  string // "user" or "method" when one of them is to blame
	Msg    string // what is wrong and what to do about it
	Err    error  // the cause, if there is one
}

// Error returns the place and the message: `list.csv:4: method "nope" is not a GUID`.
func (e *LineError) Error() string {
	var b strings.Builder
	b.WriteString(e.Source)
	for _, n := range []int{e.Line, e.Column} {
		if n == 0 {
			break
		}
		fmt.Fprintf(&b, ":%d", n)
	}
	b.WriteString(": ")
	b.WriteString(e.Msg)
	return b.String()
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// Problems is everything that Open found wrong, in the order of the lists.
type Problems struct {
	Errs  []*LineError // the first 20
	Count int          // all of them
	Cut   bool         // SkipInvalid does not help, for example because the rest of a list is unreadable
}

func (p *Problems) add(e *LineError) {
	p.Count++
	if len(p.Errs) < maxProblems {
		p.Errs = append(p.Errs, e)
	}
}

// Error lists the kept errors one per line, and counts the others.
func (p *Problems) Error() string {
	lines := make([]string, 0, len(p.Errs)+1)
	for _, e := range p.Errs {
		lines = append(lines, e.Error())
	}
	if more := p.Count - len(p.Errs); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the kept errors, for errors.Is and errors.As.
func (p *Problems) Unwrap() []error {
	errs := make([]error, len(p.Errs))
	for i, e := range p.Errs {
		errs[i] = e
	}
	return errs
}

// An EmptyError says that the lists are valid but have no rows: a header only, or an empty
// array, which a scan writes if it finds nothing. There is nothing to do.
type EmptyError struct {
	Sources []string // as they were given to Open, "stdin" for "-"
}

func (e *EmptyError) Error() string {
	verb := "has"
	if len(e.Sources) > 1 {
		verb = "have"
	}
	return strings.Join(e.Sources, ", ") + " " + verb + " no rows"
}

// A ChangedError ends the second pass over a list that is not what Open read.
type ChangedError struct {
	Source string
	Line   int // the last row handed out, 0 for none
}

func (e *ChangedError) Error() string {
	if e.Line == 0 {
		return e.Source + " changed while it was being read; nothing of it was used"
	}
	return fmt.Sprintf("%s changed while it was being read; nothing after line %d was used", e.Source, e.Line)
}

// show quotes a value from a list for a message. What a terminal would act on
// or hide, such as an escape sequence or a zero-width space, becomes visible.
func show(s string) string { return strconv.QuoteToASCII(capped(s)) }

// printable is show without the quotes, for the fields of a refused pair.
func printable(s string) string {
	q := show(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// showMethod is like show, but for a value in the method column. A value that is not a GUID
// may be the pass itself, which lets anybody sign in, so showMethod returns only its first
// two characters and its length.
func showMethod(s string) string {
	if s == "" || isGUID(s) {
		return show(s)
	}
	return fmt.Sprintf("%s (%s)", show(firstTwo(s)+"..."), characters(s))
}

// printableMethod is like showMethod, but without quotes. It is for the fields of a refused
// pair.
func printableMethod(s string) string {
	if s == "" || isGUID(s) {
		return s
	}
	return fmt.Sprintf("%s... (%s)", printable(firstTwo(s)), characters(s))
}

// minPass is the number of characters that a pass has at least.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration,
// property defaultLength.
const minPass = 8

// showUser is like show, but for a value in a user column. What does not look like a user
// principal name may be the pass itself, or hold it, and is shown as showMethod does.
func showUser(s string) string {
	if isHarmless(s) {
		return show(s)
	}
	return showMethod(s)
}

// printableUser is like showUser, but without quotes. It is for the fields of a refused pair.
func printableUser(s string) string {
	if isHarmless(s) {
		return printable(s)
	}
	return printableMethod(s)
}

// isHarmless reports whether s is too short for a pass, or is a name.
func isHarmless(s string) bool { return utf8.RuneCountInString(s) < minPass || isName(s) }

// isName reports whether s is a user principal name apart from characters outside ASCII.
func isName(s string) bool {
	strange := func(r rune) bool {
		return r < utf8.RuneSelf && !isAlnum(byte(r)) && !strings.ContainsRune(localMarks, r)
	}
	at := strings.LastIndexByte(s, '@')
	return at >= 0 && isDomain(s[at+1:]) && !strings.ContainsFunc(s[:at], strange)
}

// showColumn is like show, but for the name of an unknown column. Where a header is missing, it
// may be the pass itself, so only what consists of letters is shown as a whole.
func showColumn(s string) string {
	other := func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(" _-.", r) }
	if strings.ContainsFunc(s, other) {
		return showMethod(s)
	}
	return show(s)
}

func firstTwo(s string) string {
	r := []rune(capped(s))
	return string(r[:min(2, len(r))])
}

func characters(s string) string {
	if n := utf8.RuneCountInString(s); n != 1 {
		return strconv.Itoa(n) + " characters"
	}
	return "1 character"
}

func capped(s string) string {
	if len(s) <= maxShown {
		return s
	}
	n := 0
	for range maxShown {
		_, size := utf8.DecodeRuneInString(s[n:])
		n += size
	}
	if n == len(s) {
		return s
	}
	return s[:n] + "..."
}

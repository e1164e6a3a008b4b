// Package assert has what the tests of all packages assert. Each function makes one assertion, and
// what names the thing that it is about. Only tests import it.
package assert

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Same fails the test unless got is want.
func Same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Equal fails the test unless all of got is as in want.
func Equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Holds fails the test for each text that is missing.
func Holds(t testing.TB, what, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("%s lacks %q\n%s", what, text, got)
		}
	}
}

// Lacks fails the test for each text that is there.
func Lacks(t testing.TB, what, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(got, text) {
			t.Errorf("%s holds %q\n%s", what, text, got)
		}
	}
}

// Is fails the test unless the error is or wraps want.
func Is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// As fails the test unless the error is or wraps an error of type E.
func As[E error](t testing.TB, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		var want E
		t.Errorf("%s: %v, want a %T", what, err, want)
	}
}

// Says fails the test unless the error has the text. An empty text stands for no error.
func Says(t testing.TB, what string, err error, text string) {
	t.Helper()
	if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("%s: the error is %v, want %q", what, err, text)
	}
}

// Golden fails the test unless got is what testdata/NAME.golden holds. With update it writes the file before.
func Golden(t testing.TB, name, got string, update bool) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if update {
		OK(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	OK(t, err)
	Equal(t, path+", which -update writes", got, string(want))
}

// That fails the test with the message if something is not good.
func That(t testing.TB, good bool, format string, args ...any) {
	t.Helper()
	if !good {
		t.Errorf(format, args...)
	}
}

// OK ends the test if there is an error. The rest of the message says what it is about.
func OK(t testing.TB, err error, about ...any) {
	t.Helper()
	if err != nil {
		t.Fatal(append([]any{err}, about...)...)
	}
}

// Must returns the value of a call that prepares a test, and panics if it has an error.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

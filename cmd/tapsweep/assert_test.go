package main

import (
	"cmp"
	"strings"
	"testing"

	"tapsweep/batch/graphsim"
	"tapsweep/cmd/tapsweep/internal/results"
)

// ends fails the test unless the process ended with the exit code, and standard error holds each text.
func (p process) ends(t *testing.T, code int, texts ...string) {
	t.Helper()
	if p.code != code {
		t.Fatalf("exit code %d, want %d\n%s", p.code, code, p.stderr)
	}
	holds(t, "standard error", p.stderr, texts...)
}

// holds fails the test for each text that is missing.
func holds(t *testing.T, what, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.Errorf("%s lacks %q\n%s", what, text, got)
		}
	}
}

// lacks fails the test for each text that is there.
func lacks(t *testing.T, what, got string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(got, text) {
			t.Errorf("%s holds %q\n%s", what, text, got)
		}
	}
}

// same fails the test unless got is want.
func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// differs fails the test if got is what it must not be.
func differs[T comparable](t *testing.T, what string, got, bad T) {
	t.Helper()
	if got == bad {
		t.Errorf("%s: %v, want another value", what, got)
	}
}

// atMost fails the test if got is above the limit.
func atMost[T cmp.Ordered](t *testing.T, what string, got, limit T) {
	t.Helper()
	if got > limit {
		t.Errorf("%s: %v, want at most %v", what, got, limit)
	}
}

// atLeast fails the test if got is below the limit.
func atLeast[T cmp.Ordered](t *testing.T, what string, got, limit T) {
	t.Helper()
	if got < limit {
		t.Errorf("%s: %v, want at least %v", what, got, limit)
	}
}

// hasRows fails the test unless the log has n rows.
func hasRows(t *testing.T, rows []results.Row, n int) {
	t.Helper()
	if len(rows) != n {
		t.Fatalf("the log has %d rows, want %d: %v", len(rows), n, outcomes(rows))
	}
}

// hasOutcome fails the test unless n rows have the outcome.
func hasOutcome(t *testing.T, rows []results.Row, outcome results.Outcome, n int) {
	t.Helper()
	if counts := outcomes(rows); counts[outcome] != n {
		t.Errorf("%d rows are %s, want %d: %v", counts[outcome], outcome, n, counts)
	}
}

// leaves fails the test unless users of the tenant hold n passes.
func leaves(t *testing.T, tenant *graphsim.Tenant, n int) {
	t.Helper()
	if left := len(tenant.Remaining()); left != n {
		t.Errorf("%d passes are left, want %d", left, n)
	}
}

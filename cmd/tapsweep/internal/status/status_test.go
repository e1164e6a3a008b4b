package status

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/answer"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/revoke"
	"tapsweep/cmd/tapsweep/internal/scan"
	"tapsweep/testdata/assert"
)

func answered(code int) error { return &batch.StatusError{Status: code} }

func source(code int, what string, filtered bool) error {
	return &scan.SourceError{What: what, Filtered: filtered, Err: answered(code)}
}

// The code and the first hint of each kind of error, wrapped as a run wraps it.
func TestOf(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code int
		hint string // begins the first hint, empty for none
	}{
		{"an unknown error", errors.New("x"), Usage, ""},
		{"an error with a code", &Error{Code: Incomplete}, Incomplete, ""},
		{"all batches are refused", fmt.Errorf("%w: %w", batch.ErrBlocked, answered(400)), Stopped,
			"no request in these batches"},
		{"all batches are refused with 403", fmt.Errorf("%w: %w", batch.ErrBlocked, answered(403)), NoAccess,
			"no request in these batches"},
		{"a token is refused", batch.ErrUnauthorized, NoAccess, "Graph refuses the token"},
		{"a token is damaged", fmt.Errorf("%w: %w", batch.ErrUnauthorized, &batch.StatusError{Status: 401,
			Message: "CompactToken parsing failed with error code: 80049217"}), NoAccess, "the token is damaged"},
		{"everything is denied", answer.ErrAllDenied, NoAccess, "the hint of each row"},
		{"users are denied", source(403, "the users", false), NoAccess,
			"reading users needs the permission User.ReadBasic.All"},
		{"a group is denied", source(403, "the group x", false), NoAccess,
			"reading groups needs the permission GroupMember.Read.All"},
		{"the audit log is denied", source(403, "the audit log", false), NoAccess,
			"reading the audit log needs the permission"},
		{"a filter is wrong", source(400, "the users", true), Usage, "Graph does not understand"},
		{"a group does not exist", source(404, "the group x", false), Usage, "check the object ID"},
		{"too many passes", &revoke.BoundError{}, Usage, "raise the limit with --max-items"},
		{"a log is in use", results.ErrInUse, Usage, "wait until that run has ended"},
		{"a file is not trusted", &results.TrustError{Hint: "do this"}, Usage, "do this"},
		{"lookups ended early", protect.ErrStopped, Stopped, ""},
		{"Graph cannot be reached", batch.ErrUnreachable, Stopped, ""},
		{"Graph refuses for too long", batch.ErrStalled, Stopped, ""},
		{"a wait is too long", batch.ErrMaxWait, Stopped, ""},
		{"the disk is full", syscall.ENOSPC, Stopped, ""},
		{"nobody reads the output any more", syscall.EPIPE, Stopped, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Of(fmt.Errorf("wrapped: %w", tt.err))
			assert.Same(t, "code", got.Code, tt.code)
			if first := strings.Join(got.Hints[:min(len(got.Hints), 1)], ""); !strings.HasPrefix(first,
				tt.hint) || tt.hint == "" && first != "" {
				t.Errorf("first hint %q, want %q", first, tt.hint)
			}
		})
	}
}

// A file that cannot be created is wrong usage, but a full disk is not.
func TestRefuseFile(t *testing.T) {
	for err, want := range map[error]int{syscall.EACCES: Usage, syscall.ENOSPC: Stopped, syscall.EPIPE: Stopped,
		&os.PathError{Err: syscall.ENOSPC}: Stopped, os.ErrPermission: Usage, results.ErrInUse: Usage} {
		got := Of(RefuseFile(err, "a hint"))
		assert.Same(t, fmt.Sprintf("%v: code", err), got.Code, want)
		assert.That(t, slices.Contains(got.Hints, "a hint"), "%v: hints %q", err, got.Hints)
	}
}

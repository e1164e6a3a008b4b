package run

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/format"
)

// AllClear writes what was read from the audit log if the run found no pass, or left out
// passes that had been replaced. A quiet run calls it too, because a misspelt name must not
// look like an all-clear. It writes nothing if the run did not read the audit log.
func (s *Summary) AllClear(w io.Writer) {
	if s.Scan != nil && s.Scan.Audit != nil && (s.Scan.Found == 0 || s.Scan.Audit.Replaced.Count > 0) {
		s.AuditLog(w)
	}
}

// AuditLog writes what was read from the audit log, if the run read it.
func (s *Summary) AuditLog(w io.Writer) {
	if s.Scan == nil || s.Scan.Audit == nil {
		return
	}
	a := s.Scan.Audit
	name := safetext.Printable(a.Name)
	create := "create a pass"
	if a.Made == 1 {
		create = "creates a pass"
	}
	fmt.Fprintf(w, "%s read, %d %s", format.Plural(a.Records, "audit record", "audit records"), a.Made, create)
	if name != "" {
		fmt.Fprintf(w, ", %d by %s", a.By, name)
	}
	fmt.Fprintln(w)
	if s.CreatorDoubt != "" && a.By == 0 {
		fmt.Fprintf(w, "warning: %s\n", s.CreatorDoubt)
	}
	for _, r := range a.Replaced.First {
		by := "somebody whom no audit record names yet"
		if r.By != "" {
			by = r.By
		}
		fmt.Fprintf(w, "%s: the pass of %s by %s was replaced at %s by %s; the new pass is not listed\n",
			cmp.Or(r.UPN, r.User), second(r.Made), name, second(r.At), by)
	}
	others(w, a.Replaced.Count-len(a.Replaced.First), "that were replaced")
	if a.Odd.Count > 0 {
		fmt.Fprintf(w, "%s left out, because the user, the time or the creator of the pass is missing; check: %s\n",
			format.Plural(a.Odd.Count, "audit record was", "audit records were"), strings.Join(a.Odd.First, ", "))
		others(w, a.Odd.Count-len(a.Odd.First), "that were left out")
	}
}

func others(w io.Writer, n int, what string) {
	if n > 0 {
		fmt.Fprintf(w, "and %d more %s\n", n, what)
	}
}

func second(t time.Time) string { return t.UTC().Format(time.RFC3339) }

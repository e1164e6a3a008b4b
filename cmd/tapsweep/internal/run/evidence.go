package run

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/status"
)

// beginEvidence puts what is known before anything is sent into the directory.
func (r *run) beginEvidence() error {
	dir := r.opts.Log.Evidence
	if dir == "" {
		return nil
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s  tapsweep %s  %s\n", time.Now().UTC().Format(time.RFC3339),
		r.header.Version, safetext.Printable(strings.Join(r.header.Command, " ")))
	r.tenant.Token.Print(&text, r.requiredAccess)
	if r.opts.NoPreflight {
		fmt.Fprintln(&text, "not judged by it what the token may do: --no-preflight")
	}
	fmt.Fprintln(&text)
	if err := evidence.Begin(dir, text.String(), r.opts.Log.Resume); err != nil {
		return status.RefuseFile(fmt.Errorf("--evidence: %w", err), "nothing was sent")
	}
	return nil
}

// seal writes the reports and the manifest, once the log is on disk and before the next run may
// have it. A run that was stopped is reported on like any other.
func (r *run) seal(ctx context.Context) (digest string, err error) {
	return evidence.Seal(context.WithoutCancel(ctx), r.opts.Log.Evidence,
		append([]string{r.log.Name()}, r.verifiedLogs...),
		r.opts.Version)
}

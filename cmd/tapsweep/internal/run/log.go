package run

import (
	"errors"
	"fmt"
	"slices"

	"tapsweep/cmd/tapsweep/internal/evidence"
	"tapsweep/cmd/tapsweep/internal/results"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// openLog opens the results log: that of an earlier run, to resume it as opts say, or a new one.
func (r *run) openLog(opts results.ResumeOptions) (err error) {
	log := &r.opts.Log
	if log.Evidence != "" {
		if err := evidence.Make(log.Evidence); err != nil {
			return status.RefuseFile(fmt.Errorf("--evidence: %w", err))
		}
	}
	if !log.Resume {
		if r.log, err = r.create(log.Path); err != nil {
			return status.RefuseFile(err)
		}
		return nil
	}
	if !results.CanResume(log.Path) {
		return status.Refuse(fmt.Errorf("--results: %s is a pipe or a device, and a run cannot resume from it",
			log.Path),
			"choose another --results file")
	}
	// Without --protect, the users whom an earlier run has protected stay protected.
	opts.Protected = func(user string) bool { return r.unguarded || r.protected(user) }
	r.log, r.earlier, err = results.Resume(log.Path, r.header, opts)
	if err != nil && !status.Known(err) {
		return status.Refuse(err, r.resumeHints(err)...)
	}
	return err
}

func (r *run) create(path string) (*results.Log, error) {
	if path == "-" {
		return results.Stream(r.console.Out), nil
	}
	if results.IsPipe(path) {
		return results.CreatePipe(path)
	}
	return results.Create(path, r.opts.Log.Overwrite)
}

// resumeHints returns what to do about a log that cannot be resumed.
func (r *run) resumeHints(err error) []string {
	if _, ok := errors.AsType[*results.LineError](err); ok {
		return []string{"nothing was changed: keep a copy of the log, remove that line and resume; " +
			"tapsweep looks up again what the removed line recorded"}
	}
	other := "--results file"
	if r.opts.Log.Evidence != "" {
		other = "--evidence directory"
	}
	same := "name the same lists and the same tenant"
	if r.header.Pairs == 0 {
		same = "use the same tenant, and the same flags that say where to look and for what"
	}
	return []string{same + ", or another " + other}
}

// sameLists refuses a log of lists that are not named.
func (r *run) sameLists(lists []string) error {
	for _, source := range r.earlier.Sources() {
		if source != "stdin" && source != input.NamedSource && source != input.SelfSource &&
			!slices.Contains(lists, source) {
			return errors.Join(status.Refuse(fmt.Errorf("the log is of %s, which is not named", source),
				"name the lists as the run before did"), r.close())
		}
	}
	return nil
}

func (r *run) close() error {
	if r.log == nil {
		return nil
	}
	return r.log.Close()
}

// write writes a line of the log, if there is one.
func (r *run) write(line any) error {
	if r.log == nil {
		return nil
	}
	return r.log.Write(line)
}

package report

import (
	"strings"

	"tapsweep/cmd/tapsweep/internal/results"
)

// complete says what makes up for rows that are not in the results log, or for a log from which no run can resume.
func (s *Summary) complete() string {
	var ways []string
	switch {
	case s.Results == "-" || s.Simulated:
	case results.CanResume(s.Results):
		ways = append(ways, "go on with it (--resume)")
	default: // a pipe or a device
		ways = append(ways, "resume with a file that has every line its reader received (--resume --results FILE)")
	}
	switch {
	case s.Run.Kind() != "revoke":
		ways = append(ways, "run it again, which is harmless") // it finds what there is then
	case !s.DryRun && (s.AnyPass > 0 || s.Run.AnyPass):
		ways = append(ways, "run the list again, which deletes passes that were given meanwhile, too")
	default:
		ways = append(ways, "run the list again, which is harmless")
	}
	return strings.Join(ways, ", or ")
}

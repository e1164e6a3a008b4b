package cli

import (
	"strings"
	"testing"

	"tapsweep/cmd/tapsweep/internal/status"
)

func TestNearest(t *testing.T) {
	names := []string{"dry-run", "deadline", "max-items", "max-attempts", "protect", "yes", "certificate"}
	for word, want := range map[string]string{"dryrun": "dry-run",
		"dry_run": "dry-run", "max-item": "max-items", "protekt": "protect",
		"cert": "certificate", "xyz": "", "q": "", "": "", "quarantine": ""} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// An unknown flag is answered with the nearest one.
func TestUnknownFlagsAndCommands(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"revoke --dryrun l.csv", "tapsweep: unknown flag: --dryrun\n" +
			"hint: did you mean --dry-run?\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke --DRY-RUN l.csv", "hint: did you mean --dry-run?\n"},
		{"revoke --dryrun=true l.csv", "hint: did you mean --dry-run?\n"},
		{"revoke -dry-run l.csv", "hint: did you mean --dry-run?\n"},
		{"sweep --created_since 24h", "hint: did you mean --created-since?\n"},
		{"check --users x", "hint: did you mean --user?\n"},
		{"revoke --quarantine l.csv", "tapsweep: unknown flag: --quarantine\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke -z l.csv", "tapsweep: unknown flag: -z\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke --protect", "tapsweep: --protect needs a value: --protect FILE\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke ---x l.csv", "tapsweep: ---x is not a flag\nhint: see 'tapsweep revoke --help'\n"},
		{"revoke -qz l.csv", "tapsweep: unknown flag: -z\nhint: see 'tapsweep revoke --help'\n"},
		{"verify", "tapsweep: no results log is named\nhint: see 'tapsweep verify --help'\n"},
		{"check l.csv", "tapsweep: tapsweep check takes no argument: l.csv\nhint: see 'tapsweep check --help'\n"},
		{"revoke --max-wait 15 l.csv", "tapsweep: --max-wait \"15\" is not a time such as 90s, 15m, 24h or 7d\n"},
		{"revoke --max-wait=-5s l.csv", "tapsweep: --max-wait \"-5s\" is not a time such as 90s, 15m, 24h or 7d\n"},
		{"--verison", "hint: did you mean --version?\n"},
		{"revok l.csv", "Did you mean this?\n  \trevoke\nhint: see 'tapsweep --help'\n"},
		{"sacn", "Did you mean this?\n  \tscan\nhint: see 'tapsweep --help'\n"},
		{"help nigthly", "tapsweep: unknown command or page \"nigthly\"\nhint: did you mean tapsweep help nightly?\n" +
			"hint: see 'tapsweep --help'\n"},
		{"revoke --verify-wait 5s l.csv", "tapsweep: --verify-wait says how long --verify waits: add --verify\n"},
		{"quarantine", "tapsweep: unknown command \"quarantine\" for \"tapsweep\"\nhint: see 'tapsweep --help'\n"},
	} {
		var out strings.Builder
		code := execute(t.Context(), strings.Fields(tt.args), strings.NewReader(""), &out, &out)
		if code != status.Usage {
			t.Errorf("tapsweep %s: exit %d, want %d", tt.args, code, status.Usage)
		}
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("tapsweep %s says\n%swant\n%s", tt.args, out.String(), tt.want)
		}
	}
}

// --version prints the version.
func TestVersionFlag(t *testing.T) {
	of := func(args ...string) string {
		var out, errs strings.Builder
		if code := execute(t.Context(), args, strings.NewReader(""), &out, &errs); code != status.Done {
			t.Errorf("tapsweep %s: exit %d\n%s", args, code, errs.String())
		}
		return out.String()
	}
	if flag, command := of("--version"), of("version"); flag != command || !strings.HasPrefix(flag, "tapsweep ") {
		t.Errorf("--version prints %q and version %q", flag, command)
	}
}

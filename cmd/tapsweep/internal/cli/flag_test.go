package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// Words must be written exactly, except those that were always accepted in any case. An empty
// word is refused, as for any flag.
func TestChoices(t *testing.T) {
	for _, tt := range []struct{ command, flag, takes, refuses string }{
		{"revoke", "format", "csv|json|jsonl", "|CSV|table| csv"},
		{"scan", "format", "csv|jsonl|table", "|json|xml"},

		{"revoke", "resume", "all", "|sent|unsent"},
		{"scan", "priority", "low|normal|high", "|highest"},
		{"verify", "progress", "auto|plain|none", "|bar"},
		{"sweep", "reason", "expired|Expired, USED|\"used\",usable|disabled,scheduled",
			"|unknown|expired,|expired;used|\"used"},
		{"check", "auth", "default|device-code|token-file", "|Default|password"},
		{"check", "cloud", "global|usgov|usgov-dod|china", "|Global"},
		{"check", "api-version", "v1.0|beta", "|v2|Beta"},
		{"check", "output", "text|json", "|JSON"},
		{"check", "log-level", "debug|INFO|warn+2|Error", "|loud"},
		{"check", "log-format", "text|json", "|TEXT"},
	} {
		for value := range strings.SplitSeq(tt.takes+"|!"+strings.ReplaceAll(tt.refuses, "|", "|!"), "|") {
			value, wrong := strings.CutPrefix(value, "!")
			cmd, _, err := new(program).rootCommand().Find([]string{tt.command})
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Flags().Set(tt.flag, value); (err != nil) != wrong {
				t.Errorf("%s --%s=%q: %v", tt.command, tt.flag, value, err)
			}
		}
	}
}

// What help says to be the default can be given, and is said once: --max-items had
// "(default -1)" behind it, which is refused.
func TestDefaultsAreTaken(t *testing.T) {
	for _, cmd := range new(program).rootCommand().Commands() {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.DefValue == "" {
				return
			}
			if err := f.Value.Set(f.DefValue); err != nil {
				t.Errorf("%s --%s: its default is refused: %v", cmd.Name(), f.Name, err)
			}
		})
		for line := range strings.Lines(cmd.Flags().FlagUsages()) {
			if strings.Count(line, "(default") > 1 {
				t.Errorf("%s: two defaults in %s", cmd.Name(), line)
			}
		}
	}
}

// The help and the error name the same limits of a number.
func TestConcurrencyLimits(t *testing.T) {
	f := new(program).revokeCommand().Flags().Lookup("concurrency")
	for _, value := range []string{"0", "1", "1000"} {
		if err := f.Value.Set(value); err != nil {
			t.Errorf("--concurrency %s: %v", value, err)
		}
	}
	for _, value := range []string{"-1", "1001"} {
		if err := f.Value.Set(value); err == nil || err.Error() != value+" is not a number between 0 and 1000" {
			t.Errorf("--concurrency %s: %v", value, err)
		}
	}
	if !strings.Contains(f.Usage, "up to 1000; 0 is") {
		t.Errorf("help says %q", f.Usage)
	}
}

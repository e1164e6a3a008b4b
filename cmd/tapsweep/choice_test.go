package main

import (
	"strings"
	"testing"
)

// Words are taken as they are written, but for those that always were in any case; an
// empty one is as good as none where that says something by itself.
func TestChoices(t *testing.T) {
	for _, tt := range []struct{ command, flag, takes, refuses string }{
		{"revoke", "format", "|csv|json|jsonl", "CSV|table| csv"},
		{"scan", "format", "|csv|json|jsonl|table", "xml"},
		{"revoke", "order", "list|privileged", "|List"},
		{"revoke", "resume", "|all|unsent", "sent"},
		{"scan", "priority", "|low|normal|high", "highest"},
		{"verify", "progress", "auto|plain|none", "|bar"},
		{"sweep", "reason", "|expired|Expired, USED|\"used\",usable|disabled,scheduled", "unknown|expired,|expired;used|\"used"},
		{"check", "auth", "|default|device-code|token-file", "Default|password"},
		{"check", "cloud", "|global|usgov|usgov-dod|china", "Global"},
		{"check", "api-version", "|v1.0|beta", "v2|Beta"},
		{"check", "output", "text|json", "|JSON"},
		{"check", "log-level", "debug|INFO|warn+2|Error", "|loud"},
		{"check", "log-format", "text|json", "|TEXT"},
	} {
		for value := range strings.SplitSeq(tt.takes+"|!"+strings.ReplaceAll(tt.refuses, "|", "|!"), "|") {
			value, wrong := strings.CutPrefix(value, "!")
			cmd, _, err := (&app{}).rootCommand().Find([]string{tt.command})
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Flags().Set(tt.flag, value); (err != nil) != wrong {
				t.Errorf("%s --%s=%q: %v", tt.command, tt.flag, value, err)
			}
		}
	}
}

package progress

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func fakeBar(width int) string { return "[" + strings.Repeat("=", width-2) + "]" }

var busy = view{Options: Options{Phase: "revoking", Verb: "revoked", Noun: "rows", Total: 5000},
	counts: counts{done: 1234, revoked: 1200, absent: 20, notRevoked: 14, accepted: 970, refused: 30}, rate: 19.84,
	quota: "writes", wait: 36100 * time.Millisecond, left: 188 * time.Second, known: true}

func TestLine(t *testing.T) {
	const all = "  1234/5000  19.8/s  1200 revoked  20 absent  14 not revoked  3 % refused  tenant asks for 37 s  " +
		"3m10s left"
	tests := []struct {
		width int
		want  string
	}{
		{200, "revoking  [======================================]" + all},
		{140, "revoking  [==================]" + all},
		{129, "revoking  [========]" + all},
		{120, "revoking" + all},
		{109, "revoking" + strings.Replace(all, "3 % refused  ", "", 1)},
		{80, "revoking  1234/5000  19.8/s  14 not revoked  tenant asks for 37 s  3m10s left"},
		{60, "1234/5000  14 not revoked  tenant asks for 37 s  3m10s left"},
		{50, "1234/5000  tenant asks for 37 s  3m10s left"},
		{40, "1234/5000  tenant asks for 37 s"},
		{20, "1234/5000"},
		{5, "1234/"},
	}
	for _, tt := range tests {
		if got := busy.line(tt.width, fakeBar); got != tt.want {
			t.Errorf("line(%d) =\n%s, want\n%s", tt.width, got, tt.want)
		}
	}
	for width := range 250 {
		if n := utf8.RuneCountInString(busy.line(width, fakeBar)); n > width {
			t.Errorf("line(%d) has %d columns", width, n)
		}
	}
}

func TestTexts(t *testing.T) {
	offline, trying := busy, busy
	offline.outage, offline.wait, offline.known = 80*time.Second, 7100*time.Millisecond, false
	trying.outage, trying.wait, trying.known = 3*time.Second, 0, false
	over, quotas, dry := busy, busy, busy
	over.ended, over.done = true, 5000
	early := view{Options: busy.Options, counts: counts{revoked: 1200}}
	scan := view{Options: Options{Phase: "scanning", Verb: "revoked", Noun: "rows"}, counts: counts{done: 70},
		rate: 100.2}
	quotas.several = true
	dry.Phase, dry.Verb = "looking", "planned"
	tests := []struct {
		name, line, sentence string
		view                 view
	}{
		{"over", "revoking  [========]  5000/5000  1200 revoked  20 absent  14 not revoked  3 % refused", "", over},
		{"early", "revoking  [========]     0/5000  0.0/s  1200 revoked  – left", "0 of 5000 rows, 0.0/s", early},
		{"scan", "scanning  70 rows  100/s  0 revoked", "70 rows, 100/s", scan},
		{"busy", "", "1234 of 5000 rows, 19.8/s, 14 not revoked, 3 % refused, tenant asks for 37 s, 3m10s left", busy},
		{"quotas", "", "1234 of 5000 rows, 19.8/s, 14 not revoked, 3 % refused, tenant asks for 37 s (writes), 3m10s " +
			"left", quotas},
		{"dry run", "", "1234 of 5000 rows, 19.8/s, 14 not planned, 3 % refused, tenant asks for 37 s, 3m10s left",
			dry},
		{"offline", "revoking  [========]  1234/5000  19.8/s  1200 revoked  20 absent  14 not revoked  3 % refused  " +
			"no connection for 1m20s, next try in 8 s  – left",
			"1234 of 5000 rows, 19.8/s, 14 not revoked, 3 % refused, no connection for 1m20s, next try in 8 s",
			offline},
		{"trying", "", "1234 of 5000 rows, 19.8/s, 14 not revoked, 3 % refused, no connection for 3s, trying", trying},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ten := func(int) string { return fakeBar(10) }
			if got := tt.view.line(200, ten); tt.line != "" && got != tt.line {
				t.Errorf("line() = %q, want %q", got, tt.line)
			}
			if got := tt.view.sentence(); tt.sentence != "" && got != tt.sentence {
				t.Errorf("sentence() = %q, want %q", got, tt.sentence)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for d, want := range map[time.Duration]string{
		300 * time.Millisecond:           "1s",
		59 * time.Second:                 "59s",
		61 * time.Second:                 "1m00s",
		248 * time.Second:                "4m10s",
		59*time.Minute + 54*time.Second:  "59m50s",
		59*time.Minute + 57*time.Second:  "1h00m",
		27*time.Hour + 5*time.Minute + 1: "27h05m",
	} {
		v := view{left: d, known: true}
		if got := v.leftText(); got != want {
			t.Errorf("leftText of %v = %q, want %q", d, got, want)
		}
	}
	for share, want := range map[float64]string{0.0004: "<0.1 %", 0.004: "0.4 %", 0.0096: "1 %", 0.126: "13 %",
		1: "100 %"} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) = %q, want %q", share, got, want)
		}
	}
}

package run

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"tapsweep/input"
)

// What is advised after a log that is not complete can be done, and is harmless where it
// is said to be: a row without a pass means another pass later.
func TestIncomplete(t *testing.T) {
	const device = "resume with a file that has every line its reader received (--resume --results FILE), or "
	const resume, again, more = "resume it (--resume), or ", "run the list again, which is harmless",
		"run the list again, which also deletes passes that users received meanwhile"
	for _, tt := range []struct {
		name string
		s    summary
		want string
	}{
		{"a list", summary{Results: "log.jsonl", Run: *ran("revoke", "l.csv")}, resume + again},
		{"standard output", summary{Results: "-", Run: *ran("revoke", "--results", "-", "l.csv")}, again},
		{"rows without a pass", summary{Results: "log.jsonl", Lists: input.Stats{AnyPass: 1},
			Run: *ran("revoke", "l.csv")}, resume + more},
		{"any pass", summary{Results: "-", Run: *ran("revoke", "--any-pass=true", "l.csv")}, more},
		{"any pass, and nothing deleted", summary{Results: "-",
			Run: *ran("revoke", "--any-pass", "--dry-run", "l.csv")}, again},
		{"a simulation", summary{Results: "log.jsonl", Run: *ran("revoke", "--simulate", "l.csv")}, again},
		{"a sweep", summary{Results: "-", Run: *ran("sweep", "--all-users")}, "run it again, which is harmless"},
		{"a device", summary{Results: os.DevNull, Stopped: errors.New("x"), Run: *ran("revoke", "l.csv")}, device +
			again},
		{"a proof", summary{Results: "log.jsonl", Run: *ran("verify", "a.jsonl")}, resume +
			"run it again, which is harmless"},
	} {
		tt.s.Incomplete = true
		var out bytes.Buffer
		tt.s.print(&out)
		if !strings.Contains(out.String(), "The results log is not complete: "+tt.want+"\n") {
			t.Errorf("%s: want %q in\n%s", tt.name, tt.want, out.String())
		}
		if strings.Contains(out.String(), "--results "+os.DevNull) {
			t.Errorf("%s: the run cannot be resumed from a device:\n%s", tt.name, out.String())
		}
	}
}

// A run whose log went to a pipe or a device cannot be resumed from there.
func TestStoppedWithoutFile(t *testing.T) {
	s := summary{Results: os.DevNull, Stopped: errors.New("x"), Run: *ran("revoke", "--results", os.DevNull, "l.csv")}
	var out bytes.Buffer
	s.print(&out)
	if want := "Resume: with a file"; !strings.Contains(out.String(), want) {
		t.Errorf("want %q in\n%s", want, out.String())
	}
	if strings.Contains(out.String(), "tapsweep revoke --resume") {
		t.Errorf("the run cannot be resumed from a device:\n%s", out.String())
	}
}

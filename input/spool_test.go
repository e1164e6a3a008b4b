package input

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestStdin(t *testing.T) {
	temp := setTemp(t, t.TempDir())
	stdin := iotest.OneByteReader(strings.NewReader("user,method\n" + dana + "," + pass1 + "\n"))
	l, err := Open([]string{"-"}, Options{Stdin: stdin})
	if err != nil {
		t.Fatal(err)
	}
	want := []Pair{{Source: "stdin", Line: 2, User: dana, Method: pass1}}
	for range 2 {
		if diff := cmp.Diff(want, all(t, l)); diff != "" {
			t.Errorf("Pairs() (-want +got):\n%s", diff)
		}
	}
	for range 2 { // the second Close has nothing to do
		if err := l.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
	checkEmpty(t, temp)
	yielded := 0
	for _, err := range l.Pairs() {
		if yielded++; err == nil {
			t.Error("Pairs() after Close yields a pair")
		}
	}
	if yielded != 1 {
		t.Errorf("Pairs() after Close yields %d times, want one error", yielded)
	}
}

// What Open kept is gone when Open fails, for nobody closes a List then.
func TestFailedOpenLeavesNothing(t *testing.T) {
	temp := setTemp(t, t.TempDir())
	for _, names := range [][]string{{"-"}, {"-", temp}} {
		if _, err := Open(names, Options{Stdin: strings.NewReader("user\nbad\n")}); err == nil {
			t.Errorf("Open(%q) = nil, want an error", names)
		}
	}
	checkEmpty(t, temp)
}

func TestNoPlaceForStdin(t *testing.T) {
	setTemp(t, filepath.Join(t.TempDir(), "none"))
	_, err := Open([]string{"-"}, Options{Stdin: strings.NewReader("")})
	checkError(t, "Open", err, "keeping stdin for the second pass")
}

// setTemp makes a directory the one for temporary files, and returns it.
func setTemp(t *testing.T, dir string) string {
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // of Windows
	return dir
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

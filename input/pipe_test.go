//go:build unix

package input

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A named pipe, like a shell's <(command), can be read once and has no size.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(pipe, []byte(obj1+"\n"+obj2), 0o600) }()
	temp := setTemp(t, t.TempDir())
	l := open(t, Options{}, pipe)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	want := []Pair{{Source: pipe, Line: 1, User: dana, Method: pass1},
		{Source: pipe, Line: 2, User: eli, Method: pass2}}
	for range 2 {
		if diff := cmp.Diff(want, all(t, l)); diff != "" {
			t.Errorf("Pairs() (-want +got):\n%s", diff)
		}
	}
	checkEmpty(t, temp) // it lost its name at once
}

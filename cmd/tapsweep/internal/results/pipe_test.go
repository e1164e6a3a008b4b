//go:build unix

package results

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	return path
}

// A pipe without a reader is refused. Earlier it took rows until it was full, and then the run
// hung forever.
func TestPipeWithoutReader(t *testing.T) {
	path := pipe(t)
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := CreatePipe(path)
		if !errors.Is(err, ErrNoReader) {
			t.Errorf("CreatePipe = %v, want %v", err, ErrNoReader)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the pipe: %v", err)
		}
		if took := time.Since(start); took < readerPatience || took > readerPatience+time.Second {
			t.Errorf("it took %v, want %v", took, readerPatience)
		}
	})
}

func TestPipeWithReader(t *testing.T) {
	path := pipe(t)
	read := make(chan []byte)
	go func() {
		text, _ := os.ReadFile(path)
		read <- text
	}()
	log, err := CreatePipe(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Write(&Row{User: "dana@contoso.com", Outcome: Revoked}); err != nil {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	if text := <-read; !strings.Contains(string(text), `"user":"dana@contoso.com"`) {
		t.Errorf("the reader has %q", text)
	}
}

// A device is no file that already exists.
func TestCreateDevice(t *testing.T) {
	log, err := Create(os.DevNull, false)
	if err != nil {
		t.Fatalf("Create(%s) = %v", os.DevNull, err)
	}
	if err := log.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if CanResume(os.DevNull) {
		t.Errorf("CanResume(%s) = true, want false", os.DevNull)
	}
}

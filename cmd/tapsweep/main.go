// Command tapsweep revokes Temporary Access Passes of Microsoft Entra ID in
// bulk, and says what became of each.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"
)

// version is set when a release is built; otherwise the build's own record says
// what this is.
var version string

func main() {
	// A reader that goes away, as head does, is a failing write like any other.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	// The first signal ends the run in order. Soon after it signals have their
	// usual effect again, so a second one ends the process; but not at once,
	// since timeout(1) sends each signal to the process and to its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	// net/http and other packages write messages for developers to the standard logger.
	// Standard error is only for the messages of this program.
	log.SetOutput(io.Discard)
	if err := useCertFiles(); err != nil {
		(&app{stderr: os.Stderr}).say("%v", err)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// endSignals are those that end a run. What was ignored when it began stays so: under
// nohup the end of the terminal, and Ctrl-C in the background of a script, which are
// meant for others.
func endSignals() []os.Signal {
	terminal := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGHUP}, signal.Ignored)
	return append(terminal, syscall.SIGTERM)
}

// buildVersion names this build: the release, or the module version or commit.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

// Command tapsweep revokes Temporary Access Passes of Microsoft Entra ID in bulk, and reports
// what became of each.
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

	"tapsweep/cmd/tapsweep/internal/cli"
)

// version is set when a release is built. Otherwise the build information names the build.
var version string

func main() {
	// A reader that goes away, as head does, is a failing write like any other.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	// The first signal ends the run in order. A second after it, signals have their usual effect
	// again, so a second one ends the process. They do not have it at once, because timeout(1) sends
	// each signal to the process and to its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	// net/http and other packages write messages for developers to the standard logger.
	log.SetOutput(io.Discard)
	os.Exit(cli.Main(ctx, cli.Process{Args: os.Args[1:], Environ: os.Environ(), In: os.Stdin, Out: os.Stdout,
		Err: os.Stderr, Version: buildVersion()}))
}

// endSignals returns the signals that end a run. A signal that is ignored at the start stays
// ignored: under nohup the end of the terminal, and Ctrl-C in the background of a script.
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

// Command tapsweep revokes Temporary Access Passes of Microsoft Entra ID in bulk, and reports the result for each.
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
	// If a reader such as head goes away, the write returns an error.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	// The first signal ends the run in order. One second later, signals have their usual effect again, so that
	// another signal ends the process. The delay is needed because timeout(1) sends each signal to the process and to
	// its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	// net/http and other packages write messages for developers to the standard logger.
	log.SetOutput(io.Discard)
	os.Exit(cli.Main(ctx, cli.Process{Args: os.Args[1:], Environ: os.Environ(), In: os.Stdin, Out: os.Stdout,
		Err: os.Stderr, Version: buildVersion()}))
}

// endSignals returns the signals that end a run. A signal that is ignored at the start stays ignored: SIGHUP under
// nohup, and SIGINT in a background job of a script.
func endSignals() []os.Signal {
	terminal := slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGHUP}, signal.Ignored)
	return append(terminal, syscall.SIGTERM)
}

// buildVersion returns the version of this build: the release, the module version or the commit.
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

// Package cli is the command line of tapsweep: flags go in, and one call comes out.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tapsweep/batch/safetext"
	"tapsweep/cmd/tapsweep/internal/checkup"
	"tapsweep/cmd/tapsweep/internal/console"
	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/metrics"
	"tapsweep/cmd/tapsweep/internal/status"
)

// A Process holds what the operating system gives to a command line.
type Process struct {
	Args    []string // without the name of the program
	Environ []string // NAME=VALUE
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Version string // of tapsweep
}

// A program is the state of one command line.
type program struct {
	console *console.Console
	version string
	environ map[string]string
	args    []string // for the results log, with flags from the environment; no flag takes a secret

	variables []string           // environment variables that set flags of this command
	settings  []checkup.Variable // all variables that set flags
	recorder  *metrics.Recorder
	metrics   string // the file to write at the end, empty for none

	command atomic.Pointer[cobra.Command] // the command whose flags are read, nil before that
}

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, process Process) int {
	p := &program{version: process.Version, environ: variables(process.Environ), args: process.Args,
		recorder: metrics.NewRecorder()}
	p.console = &console.Console{In: process.In, Out: process.Out, Err: process.Err, Getenv: p.getenv,
		Args: process.Args}
	root := p.rootCommand()
	root.SetArgs(process.Args)
	root.SetIn(process.In)
	help := &helpWriter{Writer: process.Out}
	root.SetOut(help)
	root.SetErr(process.Err)
	addStandardCommands(root)
	cmd, err := p.execute(ctx, root)
	if err == nil {
		err = help.err
	}
	return p.writeMetrics(cmd, p.exit(cmd, err))
}

// addStandardCommands adds the commands help and completion of cobra, with our texts.
func addStandardCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Use, help.DisableFlagsInUseLine, help.Args = "help [COMMAND | PAGE]", true, knownPage
	help.Short, help.Long = "Show the help of a command, or a page of the manual", ""
	root.InitDefaultCompletionCmd()
	completion, _, _ := root.Find([]string{"completion"})
	completion.Short, completion.Long = "Print a script that completes commands and flags in a shell", ""
}

// A helpWriter keeps the first error of a write, because cobra does not return the errors of writing its help.
type helpWriter struct {
	io.Writer
	err error
}

func (w *helpWriter) Write(p []byte) (int, error) {
	_, err := w.Writer.Write(p)
	if !errors.Is(err, syscall.EPIPE) { // the reader of a pipe has read enough
		w.err = cmp.Or(w.err, err)
	}
	return len(p), nil
}

// abandonAfter is how long a command may take to end after the first signal, if it has not begun to send.
// The command needs less than that to report where it was.
const abandonAfter = 2 * time.Second

// execute runs the command. After a signal it abandons a command that hangs before it sends anything.
func (p *program) execute(ctx context.Context, root *cobra.Command) (*cobra.Command, error) {
	var cmd *cobra.Command
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		cmd, err = root.ExecuteContextC(ctx)
	}()
	late := make(chan struct{})
	defer context.AfterFunc(ctx, func() { time.AfterFunc(abandonAfter, func() { close(late) }) })()
	select {
	case <-done:
	case <-late:
		if cmd := p.command.Load(); cmd != nil && p.console.Abandon() {
			return cmd, status.Interrupted(ctx)
		}
		<-done
	}
	return cmd, err
}

func (p *program) getenv(name string) string { return p.environ[name] }

func (p *program) exit(cmd *cobra.Command, err error) int {
	if err == nil {
		return status.Done
	}
	exit := status.Of(err)
	if exit.Err != nil {
		p.console.Say("%s", format.Error(exit.Err))
	}
	for _, h := range exit.Hints {
		p.console.Hint(h)
	}
	if exit.Err == err && !status.Known(err) { // cobra found it
		p.console.Hint(seeHelp(cmd))
	}
	p.hintVariables(exit)
	return exit.Code
}

// hintVariables names the variables that set a flag of which an error or its hints speak.
func (p *program) hintVariables(exit *status.Error) {
	said := strings.Join(exit.Hints, " ")
	if exit.Err != nil {
		said += " " + exit.Err.Error()
	}
	for _, name := range p.variables {
		flag := "--" + flagOf(name)
		if regexp.MustCompile(flag + `($|[^\w-])`).MatchString(said) {
			p.console.Hint(flag + " is set by the environment variable " + name)
		}
	}
}

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tapsweep",
		Short: "Revoke Temporary Access Passes of Microsoft Entra ID in bulk",
		Long: `tapsweep deletes the Temporary Access Passes on a list through Microsoft Graph,
in batches of twenty. It waits as long as the tenant asks, and writes one result
for each pass to a results log.`,
		Example: `  tapsweep check
  tapsweep revoke --dry-run list.csv
  tapsweep revoke list.csv`,
		Version:       p.versionLine(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.AddCommand(p.checkCommand(), p.scanCommand(), p.revokeCommand(), p.verifyCommand(), p.reportCommand(),
		p.sweepCommand(), p.simulateCommand())
	for _, cmd := range root.Commands() {
		cmd.Flags().SortFlags = false
		p.inOrder(cmd)
		completeWords(cmd)
	}
	root.AddCommand(p.versionCommand(), p.manCommand(), flagsPage())
	root.AddCommand(manualPages()...)
	return root
}

// pageAbout has the page for subjects that are not the name of a page.
var pageAbout = map[string]string{"resume": "results", "exit-codes": "results", "log": "results", "protect": "lists"}

// knownPage refuses help for what is neither a command nor a page. For cobra that is no error.
func knownPage(help *cobra.Command, args []string) error {
	root := help.Root()
	if _, _, err := root.Find(args); err == nil {
		return nil
	}
	var names []string
	for _, cmd := range root.Commands() {
		names = append(names, cmd.Name())
	}
	hints := didYouMean(args[0], "tapsweep help ", names)
	if page := pageAbout[args[0]]; page != "" {
		hints = []string{"did you mean tapsweep help " + page + "?"}
	}
	return status.Refuse(fmt.Errorf("unknown command or page %q", safetext.Printable(args[0])),
		append(hints, seeHelp(root))...)
}

// inOrder fixes the order in which a command starts. It sets flags from the environment, checks flags, the
// metrics file and arguments, and then runs.
func (p *program) inOrder(cmd *cobra.Command) {
	check, run := cmd.Args, cmd.RunE
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// The log names the command first. On the command line, flags may come first, as in --quiet=true verify.
		_, arguments, _ := cmd.Root().Find(p.args)
		p.args = append([]string{cmd.Name()}, arguments...)
		if err := p.setFromEnvironment(cmd); err != nil {
			return err
		}
		if err := checkFilled(cmd.Flags()); err != nil {
			return err
		}
		if err := checkMetrics(metricsFile(cmd), cmd.Name()); err != nil {
			return err
		}
		p.metrics = metricsFile(cmd)
		if err := check(cmd, args); err != nil {
			return err
		}
		p.command.Store(cmd)
		return run(cmd, args)
	}
}

// runs makes the options of a command of its flags and arguments, and does the work.
func runs[Options any](p *program, options func(*program, *cobra.Command, []string) (Options, error),
	work func(context.Context, *console.Console, Options) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o, err := options(p, cmd, args)
		if err != nil {
			return err
		}
		return work(cmd.Context(), p.console, o)
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return status.Refuse(fmt.Errorf("%s takes no argument: %s", cmd.CommandPath(), safetext.Printable(args[0])),
		seeHelp(cmd))
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tapsweep version",
		Args:    noArguments,
		Run:     func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), p.versionLine()) },
	}
}

// versionLine returns the text that version and --version print.
func (p *program) versionLine() string {
	return fmt.Sprintf("tapsweep %s %s/%s %s", p.version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

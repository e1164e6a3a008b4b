package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tapsweep/cmd/tapsweep/internal/progress"
	"tapsweep/cmd/tapsweep/internal/status"
)

// app is what all commands share: where they read and write.
//
// Data goes to stdout, everything else to stderr: lower case, no full stop, the
// program's name in front; what to do next follows in hint lines.
type app struct {
	args   []string // for the record; no flag takes a secret
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	display  atomic.Pointer[progress.Display] // of the run, once it has begun
	recorder recorder

	variables []string  // that set flags of this command
	settings  []setting // all variables that set flags

	progressed
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{args: args, stdin: stdin, stdout: stdout, stderr: stderr, recorder: recorder{start: time.Now()}}
	root := a.rootCommand()
	strictDefaults(root)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := a.execute(ctx, root)
	return a.writeMetrics(cmd, a.exit(cmd, err))
}

// exit says what went wrong and returns the exit code.
func (a *app) exit(cmd *cobra.Command, err error) int {
	if err == nil {
		return status.Done
	}
	exit := status.Of(err)
	if !status.Known(err) && exit.Hints == nil && exit.Err == err {
		exit.Hints = []string{fmt.Sprintf("see '%s --help'", cmd.CommandPath())} // cobra has found it
	}
	if exit.Err != nil {
		a.say("%s", exit.Err)
	}
	if exit.Code == status.Usage && len(a.variables) > 0 {
		exit.Hints = append(exit.Hints, "flags are given by the environment, too: "+strings.Join(a.variables, ", "))
	}
	for _, h := range exit.Hints {
		fmt.Fprintf(a.stderr, "hint: %s\n", a.visible(h))
	}
	return exit.Code
}

// say writes a message for people.
func (a *app) say(format string, args ...any) {
	text := strings.TrimRight(a.visible(fmt.Sprintf(format, args...)), "\n")
	fmt.Fprintf(messages{a}, "tapsweep: %s\n", strings.ReplaceAll(text, "\n", "\n  "))
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tapsweep",
		Short: "Revoke Temporary Access Passes of Microsoft Entra ID in bulk",
		Long: `tapsweep deletes the Temporary Access Passes on a list through Microsoft
Graph, twenty to a batch, waits as long as the tenant asks it to, and writes
what became of each to a results log.

Flags about signing in, pace, logging and guards can be given by environment
variables as well: --max-items by TAPSWEEP_MAX_ITEMS. A flag on the command line counts before it. Flags that say
what to revoke, where to look and what to write have no variable.`,
		Example: `  tapsweep revoke --dry-run list.csv
  tapsweep revoke --simulate list.csv`,
		Version:       versionLine(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.revokeCommand(), a.scanCommand(), a.sweepCommand(), a.verifyCommand(), a.reportCommand(),
		a.checkCommand(), a.simulateCommand())
	for _, cmd := range root.Commands() {
		a.inOrder(cmd)
	}
	root.AddCommand(a.versionCommand(), a.manCommand())
	a.finishFlags(root.Commands())
	return root
}

// inOrder makes a command set its flags from the environment, then check its arguments and the
// metrics file, and then run.
func (a *app) inOrder(cmd *cobra.Command) {
	check, run := cmd.Args, cmd.RunE
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.setFromEnvironment(cmd, os.Environ()); err != nil {
			return err
		}
		if err := check(cmd, args); err != nil {
			return err
		}
		if err := checkMetrics(a.metricsFile(cmd), cmd.Name()); err != nil {
			return err
		}
		a.command.Store(cmd)
		return run(cmd, args)
	}
}

// strictDefaults has cobra's own commands refuse what they do not know, as ours do: they
// print help to standard output and end well, which in a profile of a shell is run.
func strictDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion": // takes no argument, which is looked at where there is something to run
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err == nil && len(rest) > 0 {
					err = fmt.Errorf("unknown command %q for %q", rest[0], about.CommandPath())
				}
				if err != nil {
					return status.Refuse(err, "see 'tapsweep --help'")
				}
				return nil
			}
		}
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tapsweep version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionLine())
			return err
		},
	}
}

// versionLine returns the text that version and --version print.
func versionLine() string {
	return fmt.Sprintf("tapsweep %s %s/%s %s", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// isTerminal tells whether a reader or writer is a person's.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

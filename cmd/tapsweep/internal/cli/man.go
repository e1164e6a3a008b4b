package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"tapsweep/cmd/tapsweep/internal/status"
)

// manCommand is for packagers, and for people who have only the binary. The pages bear the date
// of SOURCE_DATE_EPOCH, so that two builds of a release are the same.
// Source: reproducible-builds.org/specs/source-date-epoch.
func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the man pages into a directory",
		Example: "  tapsweep man ~/.local/share/man/man1",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("name one directory for the man pages")
			}
			return nil
		},
		Hidden:            true,
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.writeManPages(args[0])
		},
	}
}

func (p *program) writeManPages(dir string) error {
	root := (&program{version: p.version}).rootCommand()
	root.DisableAutoGenTag = true // a line with today's date
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "tapsweep " + p.version,
			Manual: "tapsweep"}, dir)
	}
	if err != nil {
		return status.Refuse(fmt.Errorf("writing the man pages: %w", err))
	}
	return nil
}

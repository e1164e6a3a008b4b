package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/markdown"
	"tapsweep/cmd/tapsweep/internal/status"
)

// manCommand is for packagers, and for people who have only the binary. cobra takes the date of the pages
// from SOURCE_DATE_EPOCH, so two builds of a release are identical.
func (p *program) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the man pages into a directory",
		Example: "  tapsweep man ~/.local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		Hidden:  true,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := p.writeManPages(args[0]); err != nil {
				return status.Refuse(fmt.Errorf("writing the man pages: %w", err))
			}
			return nil
		},
	}
}

// writeManPages writes a page of section 1 for each command, and of section 7 for each page of the
// manual.
func (p *program) writeManPages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := (&program{version: p.version}).rootCommand()
	root.DisableAutoGenTag = true // the tag is a line with today's date
	source := "tapsweep " + p.version
	err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: source, Manual: "tapsweep"}, dir)
	for _, page := range docs.Pages() {
		if err != nil {
			return err
		}
		name := "tapsweep-" + page.Name
		text := markdown.Man(page.Text, markdown.ManHeader{Name: name, Short: page.Title, Section: "7",
			Source: source, Manual: "tapsweep"}, links("tapsweep-", "(7)"))
		err = os.WriteFile(filepath.Join(dir, name+".7"), []byte(text), 0o644)
	}
	return err
}

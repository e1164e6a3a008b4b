package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

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

// manualPages returns a help topic for each page of the manual, such as tapsweep help lists. For cobra, a
// command without a function is a help topic.
func manualPages() []*cobra.Command {
	var topics []*cobra.Command
	for _, page := range docs.Pages() {
		topic := &cobra.Command{Use: page.Name, Short: page.Title, DisableFlagsInUseLine: true}
		topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
			fmt.Fprint(cmd.OutOrStdout(), markdown.Text(page.Text, links("tapsweep help ", "")))
		})
		topics = append(topics, topic)
	}
	return topics
}

// pageOf returns the page of the manual that a link leads to, or an empty string.
func pageOf(target string) string {
	file, _, _ := strings.Cut(target, "#")
	if name, ok := strings.CutSuffix(file, ".md"); ok && !strings.Contains(name, "/") {
		return name
	}
	return ""
}

// links returns a function that replaces a link to a page by its text and the command that opens the page.
func links(before, after string) markdown.LinkFunc {
	return func(text, target string) string {
		if page := pageOf(target); page != "" {
			return text + " (" + before + page + after + ")"
		}
		return text
	}
}

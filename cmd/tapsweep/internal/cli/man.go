package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/markdown"
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

// writeManPages writes a page of section 1 for each command, and of section 7 for each page of the
// manual.
func (p *program) writeManPages(dir string) error {
	err := p.tryManPages(dir)
	if err != nil {
		return status.Refuse(fmt.Errorf("writing the man pages: %w", err))
	}
	return nil
}

func (p *program) tryManPages(dir string) error {
	date, err := buildDate()
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	root := (&program{version: p.version}).rootCommand()
	root.DisableAutoGenTag = true // a line with today's date
	source := "tapsweep " + p.version
	err = doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &date, Source: source, Manual: "tapsweep"}, dir)
	for _, page := range docs.Pages() {
		if err != nil {
			return err
		}
		text := markdown.Man(page.Text, markdown.Header{Name: manName(page.Name), Short: page.Title, Section: "7",
			Date: date.Format("Jan 2006"), Source: source, Manual: "tapsweep"}, manLink)
		err = os.WriteFile(filepath.Join(dir, manName(page.Name)+".7"), []byte(text), 0o644)
	}
	return err
}

// buildDate returns the time of SOURCE_DATE_EPOCH, in seconds since 1970, or now.
func buildDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, errors.New("SOURCE_DATE_EPOCH is not a number of seconds since 1970")
	}
	return time.Unix(seconds, 0).UTC(), nil
}

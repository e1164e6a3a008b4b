package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tapsweep/cmd/tapsweep/docs"
	"tapsweep/cmd/tapsweep/internal/markdown"
)

// manualPages returns a help topic for each page of the manual, such as tapsweep help lists. For cobra, a
// command without a function is a help topic.
func manualPages() []*cobra.Command {
	var topics []*cobra.Command
	for _, page := range docs.Pages() {
		topic := &cobra.Command{Use: page.Name, Short: page.Title, DisableFlagsInUseLine: true}
		topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
			fmt.Fprint(cmd.OutOrStdout(), markdown.Text(page.Text, helpWidth(cmd), links("tapsweep help ", "")))
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

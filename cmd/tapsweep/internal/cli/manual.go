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
			fmt.Fprint(cmd.OutOrStdout(), markdown.Text(page.Text, helpWidth(cmd), helpLink))
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

// helpLink returns the text of a link for a terminal.
func helpLink(text, target string) string {
	if page := pageOf(target); page != "" {
		return text + " (tapsweep help " + page + ")"
	}
	return text
}

// manLink returns the text of a link for a man page.
func manLink(text, target string) string {
	if page := pageOf(target); page != "" {
		return text + " (" + manName(page) + "(7))"
	}
	return text
}

func manName(page string) string { return "tapsweep-" + page }

// Package readme takes out of the README what people copy, for the tests that
// check and run it.
package readme

import "strings"

// Blocks returns the texts of the fenced blocks of a language, in their order.
func Blocks(text, language string) []string {
	var blocks []string
	var block strings.Builder
	open, wanted := false, false
	for line := range strings.Lines(text) {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && !open:
			open, wanted = true, fence == language
		case isFence:
			if wanted {
				blocks = append(blocks, block.String())
			}
			block.Reset()
			open, wanted = false, false
		case wanted:
			block.WriteString(line)
		}
	}
	return blocks
}

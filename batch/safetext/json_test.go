package safetext

import (
	"encoding/json"
	"strings"
	"testing"

	"tapsweep/testdata/assert"
)

// Control and bidirectional characters were raw in JSON, so a terminal that showed a log obeyed them.
func TestJSON(t *testing.T) {
	const text = "Åsa\u009b2J \u202egpj \u200b\x7f \U000e0041 \ufffd 𝒟 \x1b\n"
	var b strings.Builder
	enc := json.NewEncoder(JSON(&b))
	for range 2 {
		assert.OK(t, enc.Encode(text))
	}
	const want = `"Åsa\u009b2J \u202egpj \u200b\u007f \udb40\udc41 ` + "\ufffd 𝒟" + ` \u001b\n"` + "\n"
	assert.Same(t, "the JSON", b.String(), want+want)
	var back string
	assert.OK(t, json.NewDecoder(strings.NewReader(b.String())).Decode(&back))
	assert.Same(t, "the text that it decodes to", back, text)
}

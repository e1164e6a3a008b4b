package format

import (
	"fmt"
	"testing"

	"tapsweep/internal/assert"
)

func TestIsGUID(t *testing.T) {
	for text, want := range map[string]bool{
		"9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311":          true,
		"9F0C2A4B-0A4F-4C1D-9B63-2F7A1E90C311":          true,
		"9f0c2a4b0a4f4c1d9b632f7a1e90c311":              false, // Graph writes hyphens
		"{9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311}":        false,
		"urn:uuid:9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c311": false,
		"9f0c2a4b-0a4f-4c1d-9b63-2f7a1e90c31g":          false,
		"dana@contoso.com":                              false,
		"":                                              false,
	} {
		assert.Same(t, fmt.Sprintf("IsGUID(%q)", text), IsGUID(text), want)
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows"} {
		assert.Same(t, fmt.Sprintf("Plural(%d)", n), Plural(n, "row", "rows"), want)
	}
}

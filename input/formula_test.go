package input

import (
	"strings"
	"testing"
)

// CSVValue protects values with ;=, because Excel may split at semicolons.
func TestCSVValue(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"plain", "dana@contoso.com", "dana@contoso.com"},
		{"empty", "", ""},
		{"pass id", "9f0c11aa-1111-4222-8333-000000000001", "9f0c11aa-1111-4222-8333-000000000001"},
		{"equals", "=1+1", "'=1+1"},
		{"already protected", "'=1+1", "''=1+1"},
		{"semicolon", ";=1+1", ";'=1+1"},
		{"semicolon in the middle", "a;=1+1;@x", "a;'=1+1;'@x"},
		{"semicolon and spaces", "a; \u00a0=1", "a; \u00a0'=1"},
		{"tab", "\t=1", "\t'=1"},
		{"carriage return", "\r=1", "\r'=1"},
		{"line feed", "a\n-1", "a\n'-1"},
		{"full width", "＝1", "'＝1"},
		{"full width after a semicolon", ";＠SUM(1)", ";'＠SUM(1)"},
		{"apostrophe in a name", "o'neil@contoso.com", "o'neil@contoso.com"},
		{"semicolon in a sentence", "gone; look again", "gone; look again"},
	} {
		if got := CSVValue(tt.value); got != tt.want {
			t.Errorf("%s: CSVValue(%q) = %q, want %q", tt.name, tt.value, got, tt.want)
		}
		if got := PlainValue(CSVValue(tt.value)); got != tt.value {
			t.Errorf("%s: PlainValue(CSVValue(%q)) = %q, want the value itself", tt.name, tt.value, got)
		}
	}
}

// Every protected value is read back unchanged, and contains no formula in the file.
func FuzzCSVValue(f *testing.F) {
	for _, s := range []string{"", "=1", ";=1", "';'=1", "\t''@x; +2", "\v@", "\u0085=1", "＝", "a;\u3000-b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		safe := CSVValue(s)
		if got := PlainValue(safe); got != s {
			t.Errorf("PlainValue(CSVValue(%q)) = %q", s, got)
		}
		for cell := range strings.FieldsFuncSeq(safe, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
			if cell = trim(cell); cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("CSVValue(%q) = %q, of which %q is a formula", s, safe, cell)
			}
		}
	})
}

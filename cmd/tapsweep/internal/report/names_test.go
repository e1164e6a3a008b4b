package report

import (
	"strings"
	"testing"
)

func TestNameOf(t *testing.T) {
	for who, want := range map[string]string{
		"app 7c2e94d1":                                 "app 7c2e94d1",
		"app tapsweep (7c2e94d1)":                      "app tapsweep|7c2e94d1",
		"user dana@contoso.com through app 7c2e94d1":   "dana@contoso.com|through app 7c2e94d1",
		"user dana@contoso.com through app CLI (04b0)": "dana@contoso.com|through app CLI|04b0",
	} {
		n := nameOf(who)
		check(t, who, strings.Join(append([]string{n.Name}, n.More...), "|"), want)
	}
}

// A browser breaks an address before @ and dots only, unless a part is too long for a column.
func TestAddress(t *testing.T) {
	for s, want := range map[string]string{
		"dana.ortiz@contoso.com":               "dana<wbr>.ortiz<wbr>@contoso<wbr>.com",
		"o-neil@contoso.com":                   `<span class="part">o-neil</span><wbr>@contoso<wbr>.com`,
		"<b>@x":                                "&lt;b&gt;<wbr>@x",
		"":                                     "",
		"5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c319": "5d1c2b7e-0a4f-4c1d-9b63-2f7a1e90c319",
	} {
		check(t, s, string(address(s)), want)
	}
}

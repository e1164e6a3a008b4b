package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Labels on the parts of the bar can be read, in both schemes: WCAG asks for 4.5.
func TestContrastOnBar(t *testing.T) {
	light, dark, _ := strings.Cut(pageStyle, "@media screen and (prefers-color-scheme: dark)")
	for scheme, style := range map[string]string{"light": light, "dark": dark[:strings.Index(dark, "\n}")]} {
		colour := func(name string) [3]float64 {
			m := regexp.MustCompile("--" + name + ": #([0-9a-f]+)").FindStringSubmatch(style)
			s := m[1]
			if len(s) == 3 {
				s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
			}
			var c [3]float64
			for i := range c {
				n, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
				if err != nil {
					t.Fatal(err)
				}
				c[i] = float64(n)
			}
			return c
		}
		for s := range numSeries {
			name := strings.TrimPrefix(s.class(), "s-")
			if c := contrast(colour("on"), colour(name)); c < 4.5 {
				t.Errorf("%s: contrast on %s is %.2f", scheme, name, c)
			}
		}
	}
}

// contrast is that of two colours. Source: www.w3.org/TR/WCAG21, "contrast ratio".
func contrast(a, b [3]float64) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(c [3]float64) float64 {
	for i, x := range c {
		if x /= 255; x <= .03928 {
			c[i] = x / 12.92
		} else {
			c[i] = math.Pow((x+.055)/1.055, 2.4)
		}
	}
	return .2126*c[0] + .7152*c[1] + .0722*c[2]
}

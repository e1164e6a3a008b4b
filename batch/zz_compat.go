package batch

import "tapsweep/internal/safetext"

func Conceal(secrets ...string)     { safetext.Conceal(secrets...) }
func Mask(text string) string       { return safetext.Mask(text) }
func Printable(s string) string     { return safetext.Printable(s) }
func Visible(s, keep string) string { return safetext.Visible(s, keep) }

package cli

import (
	"log/slog"

	"github.com/spf13/pflag"

	"tapsweep/cmd/tapsweep/internal/console"
)

// logFlags are the level and the format of the log on standard error.
type logFlags struct{ level, format string }

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	textOrJSON = []string{"text", "json"}
)

func (f *logFlags) add(fl *pflag.FlagSet) {
	addEnum(fl, &f.level, "log-level", "warn", logLevels, "log to standard error: "+oneOf(logLevels))
	addEnum(fl, &f.format, "log-format", "text", textOrJSON, "format of this log: "+oneOf(textOrJSON))
	inFlagsHelp(fl, output, "log-level", "log-format")
	hasVariable(fl, "log-level", "log-format")
}

func (f *logFlags) logger(c *console.Console) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.level)) // the flag has checked it
	return c.Logger(level, f.format == "json")
}

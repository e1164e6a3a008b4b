package main

import (
	"log/slog"

	"github.com/spf13/cobra"
)

var (
	logLevels  = []cobra.Completion{"debug", "info", "warn", "error"}
	textOrJSON = []cobra.Completion{"text", "json"}
)

func addLogFlags(cmd *cobra.Command, level, format *string) {
	fl := cmd.Flags()
	addEnum(fl, level, "log-level", "warn", logLevels, oneOf(logLevels)+"; the log goes to standard error").also = isLevel
	addEnum(fl, format, "log-format", "text", textOrJSON, oneOf(textOrJSON))
	hasVariable(fl, "log-level", "log-format")
}

// isLevel tells whether slog knows a level: in any case, and with an offset.
func isLevel(text string) bool { return new(slog.Level).UnmarshalText([]byte(text)) == nil }

// logger makes the log that the flags ask for, which have been checked.
func (a *app) logger(level, format string) *slog.Logger {
	var l slog.Level
	l.UnmarshalText([]byte(level))
	opts := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(messages{a}, opts))
	}
	return slog.New(slog.NewTextHandler(messages{a}, opts))
}

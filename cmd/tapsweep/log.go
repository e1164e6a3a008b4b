package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
)

func addLogFlags(cmd *cobra.Command, level, format *string) {
	cmd.Flags().StringVar(level, "log-level", "warn", "debug, info, warn or error; the log goes to standard error")
	cmd.Flags().StringVar(format, "log-format", "text", "text or json")
}

func (a *app) logger(level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, refuse(fmt.Errorf("--log-level %q is not debug, info, warn or error", level))
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(messages{a}, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(messages{a}, opts)), nil
	default:
		return nil, refuse(fmt.Errorf("--log-format %q is not text or json", format))
	}
}

package batch

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"tapsweep/batch/internal/throttle"
	"tapsweep/batch/safetext"
)

// attributes are what the debug log says about a batch. No URL, header or body is among them:
// they name users, and some proxies and services quote the token back.
func (b *inFlightBatch) attributes(rep throttle.Report, closedUntil time.Time) []slog.Attr {
	status, id := 0, b.reply.Header.Get("Request-Id")
	var code string
	if whole, ok := errors.AsType[*StatusError](b.err); ok {
		status, code, id = whole.Status, whole.Code, whole.RequestID
	} else if b.receivedBytes > 0 {
		status = http.StatusOK // or 424, which a Poster takes for one, too
	}
	list := []slog.Attr{
		slog.Int("batch", b.seq),
		slog.String("quota", b.queue.name),
		slog.Int("requests", len(b.items)),
		slog.Int("sent_bytes", b.sentBytes),
		slog.Int("received_bytes", b.receivedBytes),
		slog.Duration("took", b.replied.Sub(b.sent)),
		slog.Int("status", status), // of the post as a whole, 0 without an answer
		slog.Int("accepted", rep.Accepted),
		slog.Int("throttled", rep.Refused),
		slog.Int("lost", rep.Lost),
		slog.Duration("retry_after", rep.RetryAfter), // the longest that was named
	}
	var wait time.Duration
	if !closedUntil.IsZero() {
		wait = closedUntil.Sub(b.replied)
	}
	list = append(list, slog.Duration("wait", max(wait, 0)), slog.String("request_id", safetext.Printable(id)))
	if code != "" {
		list = append(list, slog.String("code", safetext.Printable(code)))
	}
	if b.err != nil {
		// What net/http says may quote the service, too.
		list = append(list, slog.String("err", safetext.Printable(b.err.Error())))
	}
	return list
}

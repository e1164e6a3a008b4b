package batch

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"tapsweep/batch/internal/throttle"
	"tapsweep/batch/safetext"
)

// attributes returns the attributes of a batch for the debug log. They have no URL, header or body, because these
// contain names of users, and some proxies and services quote the token.
func (b *inFlightBatch) attributes(rep throttle.Feedback, closedUntil time.Time) []slog.Attr {
	status, id := 0, b.reply.Header.Get("Request-Id")
	var code string
	if whole, ok := errors.AsType[*StatusError](b.err); ok {
		status, code, id = whole.Status, whole.Code, whole.RequestID
	} else if b.receivedBytes > 0 {
		status = http.StatusOK // it may also be 424, which a Poster accepts like 200
	}
	list := []slog.Attr{
		slog.Int("batch", b.seq),
		slog.String("quota", b.queue.name),
		slog.Int("requests", len(b.items)),
		slog.Int("sent_bytes", b.sentBytes),
		slog.Int("received_bytes", b.receivedBytes),
		slog.Duration("took", b.replied.Sub(b.sent)),
		slog.Int("status", status), // the status of the whole post, 0 without an answer
		slog.Int("accepted", rep.Accepted),
		slog.Int("throttled", rep.Refused),
		slog.Int("lost", rep.Lost),
		slog.Duration("retry_after", rep.RetryAfter), // the longest wait in the answers
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
		// An error of net/http may quote the service.
		list = append(list, slog.String("err", safetext.Printable(b.err.Error())))
	}
	return list
}

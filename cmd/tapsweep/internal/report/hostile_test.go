package report

import (
	"strings"
	"time"

	"tapsweep/cmd/tapsweep/internal/results"
)

// hostileNames are what a log may hold where a name is expected.
var hostileNames = []string{
	"<script>alert(1)</script>@contoso.com",
	`"><img src=x onerror=alert(1)>`,
	"</title></style></script><script>alert(1)</script>",
	"=cmd|' /C calc'!A0",
	"@SUM(1+1)*cmd|' /C calc'!A0",
	"+1", "-1", "\t=1+1",
	"\u202egpj.exe@contoso.com\u2066",
	"\x1b[2J\x1b]0;owned\a@contoso.com\r\nnote: all is well",
	strings.Repeat("x", 500) + "@contoso.com",
	"{{.Report}} ${alert(1)} <!-- ]]> javascript:alert(1)",
	"a\x00b", "\u2028", "", "Ⅷ𝒟𝕒𝓃𝒶@contoso.com",
}

// hostile is a log in which every text is hostile.
func hostile() *logBuilder {
	m := &logBuilder{now: night}
	bad := strings.Join(hostileNames, " ")
	m.line(results.Header{Type: "run", Version: bad, Command: append([]string{"revoke"}, hostileNames...),
		Digest: bad, Tenant: bad, Operator: bad, GraphRoot: bad, Pairs: 1 << 40, Start: m.now})
	for i, name := range hostileNames {
		m.row(name, i, results.Denied, func(r *results.Row) {
			for _, text := range []*string{&r.User, &r.Method, &r.Code, &r.Message, &r.Hint, &r.Reason, &r.RequestID,
				&r.Creation.By, &r.AuditID, &r.Match} {
				*text = name
			}
			r.Attempts, r.Status = -1<<60, 1<<60
		})
	}
	m.line(results.Wait{Type: "wait", Until: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -23*3600)),
		Refused: -5, Quota: bad})
	m.line(results.Scanned{Type: "scanned", Users: []string{bad}})
	m.line(map[string]any{"type": bad})
	m.line(results.End{Type: "end", Exit: -7, Stopped: bad, End: m.now.AddDate(-2000, 0, 0)})
	return m
}

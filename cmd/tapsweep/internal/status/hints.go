package status

import (
	"errors"
	"strings"

	"tapsweep/batch"
	"tapsweep/cmd/tapsweep/internal/scan"
)

// isBlockedAccess reports whether all batches were refused with 401 or 403.
func isBlockedAccess(err error) bool {
	whole, ok := errors.AsType[*batch.StatusError](err)
	return errors.Is(err, batch.ErrBlocked) && ok && (whole.Status == 401 || whole.Status == 403)
}

// isDamagedToken reports whether Graph refused the token because it cannot read it.
// Source: github.com/OfficeDev/outlook-dev-docs/issues/508, "CompactToken parsing failed", in newer answers IDX14100.
func isDamagedToken(err error) bool {
	refused, ok := errors.AsType[*batch.StatusError](err)
	return ok && errors.Is(err, batch.ErrUnauthorized) && (strings.Contains(refused.Message, "IDX14100") ||
		strings.Contains(refused.Message, "CompactToken parsing failed"))
}

const hintBlocked = "no request in these batches was carried out: check what is in front of Graph, " +
	"such as HTTPS_PROXY, a gateway behind --graph-url or a firewall"

const hintRunAgain = "then run the same command with --resume"

const hintPolicy = "a policy can also block this app, this person or this machine's address: " +
	"an administrator can find it in the Entra sign-in log"

// sourceHints returns what the token needs to read a source of users.
// Source: learn.microsoft.com/graph/permissions-reference.
func sourceHints(err error) []string {
	source, ok := errors.AsType[*scan.SourceError](err)
	switch {
	case scan.IsHidden(err):
		return []string{"grant User.Read.All: User.ReadBasic.All does not show whether an account is enabled"}
	case !ok:
		return nil
	case source.Filtered && source.Wrong():
		return []string{"Graph does not understand what was asked: " +
			"see learn.microsoft.com/graph/filter-query-parameter for --filter"}
	case source.Wrong():
		return []string{"check the object ID of the group"}
	case strings.HasPrefix(source.What, "the audit log"):
		return []string{
			"reading the audit log needs the permission AuditLog.Read.All (b0afded3-3588-46d8-8b3d-9842eff778da)",
		}
	case strings.Contains(source.What, "group"):
		return []string{
			"reading groups needs the permission GroupMember.Read.All (98830695-27a2-44f7-8c18-0c3ebc9698f6)",
		}
	}
	return []string{"reading users needs the permission User.ReadBasic.All (97235f07-e226-4f63-ace3-39588e11d3a1)"}
}

// ownHints are those of an error that has some.
func ownHints(err error) []string {
	hinter, _ := errors.AsType[interface {
		error
		Hints() []string
	}](err)
	return hinter.Hints()
}

package pass

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/input"
)

// A Pass is a Temporary Access Pass in the answer to a LIST. Fields that Graph leaves out are zero.
// Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod.
type Pass struct {
	ID         string
	Created    time.Time
	Start      time.Time
	Lifetime   time.Duration
	UsableOnce bool

	usability string // methodUsabilityReason
}

// Expires returns when the pass expires, zero if this is not known. Graph has no property for it.
func (p *Pass) Expires() time.Time {
	if p.Start.IsZero() || p.Lifetime <= 0 {
		return time.Time{}
	}
	return p.Start.Add(p.Lifetime)
}

// A Reason is why a pass can or cannot be used.
type Reason string

// The reasons, in the order in which they are shown.
const (
	Expired   Reason = "expired"
	Used      Reason = "used"      // the pass allows one sign-in, which was made
	Disabled  Reason = "disabled"  // a policy excludes the user or all passes
	Scheduled Reason = "scheduled" // the pass starts later
	Usable    Reason = "usable"
	Unknown   Reason = "unknown" // Graph returns another reason, or a reason that contradicts the dates
)

// Reasons are the reasons that a flag can name: all except Unknown.
var Reasons = []Reason{Expired, Used, Disabled, Scheduled, Usable}

// reasons are the values of methodUsabilityReason, in lower case. It is a plain string, so Graph may
// add others.
var reasons = map[string]Reason{
	"enabledbypolicy": Usable, "disabledbypolicy": Disabled, "notyetvalid": Scheduled,
	"expired": Expired, "onetimeused": Used,
}

// slack is the maximum difference between the clocks of the service.
const slack = 5 * time.Minute

// Reason returns why the pass can or cannot be used at now. If Graph returns no known reason, the dates decide. If
// Graph returns that the pass has expired, but the dates show that it has not, the reason is Unknown.
func (p *Pass) Reason(now time.Time) Reason {
	expires := p.Expires()
	said, known := reasons[strings.ToLower(p.usability)]
	switch {
	case known && said == Expired && now.Add(slack).Before(expires):
		return Unknown
	case known:
		return said
	case !expires.IsZero() && now.After(expires.Add(slack)):
		return Expired
	case now.Add(slack).Before(p.Start):
		return Scheduled
	}
	return Unknown
}

// Decode decodes the body of the answer to a read into value. It returns an error if there is no answer, or another one
// than 200, or if the body cannot be decoded. what names the body in this error. Graph documents only 200; the body of
// another success, such as 202 or 206, may be incomplete, and an incomplete list hides passes.
// Source: learn.microsoft.com/graph/api/authentication-list-temporaryaccesspassmethods.
func Decode(res batch.Result, what string, value any) error {
	if res.Err != nil {
		return res.Err
	}
	switch status := res.Response.Status; {
	case status == 200:
	case status < 300: // the body is not shown, because it may hold the code of a pass
		return fmt.Errorf("%s may be incomplete: the answer was %d, not 200; try again later, and if it happens "+
			"again, find out whether a proxy or gateway changes the answers of Graph", what, status)
	default:
		return res.Response.StatusError()
	}
	if err := Unmarshal(res.Response.Body, value); err != nil {
		return fmt.Errorf("%s cannot be read: %w", what, err)
	}
	return nil
}

// Unmarshal is json.Unmarshal, but its error for a value of another type does not name a type of Go.
func Unmarshal(data []byte, value any) error {
	err := json.Unmarshal(data, value)
	if other, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s has an unexpected type (%s)", cmp.Or(other.Field, "it"), other.Value)
	}
	return err
}

// StatusOf returns the status of the answer that an error is about, 0 if there was none.
func StatusOf(err error) int {
	if answer, ok := errors.AsType[*batch.StatusError](err); ok {
		return answer.Status
	}
	return 0
}

// Read returns the passes in the answer to a LIST. If the LIST failed or cannot be read, it returns an error, because
// the user may hold a pass.
func Read(res batch.Result) ([]Pass, error) {
	var list struct {
		Value *[]struct {
			ID        string    `json:"id"`
			Created   timestamp `json:"createdDateTime"`
			Start     timestamp `json:"startDateTime"`
			Minutes   int64     `json:"lifetimeInMinutes"`
			Once      bool      `json:"isUsableOnce"`
			Usability string    `json:"methodUsabilityReason"`
		} `json:"value"`
		NextLink string `json:"@odata.nextLink"`
	}
	if err := Decode(res, "the list of passes", &list); err != nil {
		return nil, err
	}
	if list.Value == nil || list.NextLink != "" {
		return nil, errors.New("the list of passes cannot be read: it has no value, or more than one page")
	}
	held := make([]Pass, 0, len(*list.Value))
	for _, v := range *list.Value {
		// The ID becomes part of the path of a DELETE, so it must be valid.
		if err := input.CheckMethod(v.ID); err != nil {
			return nil, fmt.Errorf("the list of passes cannot be read: %w", err)
		}
		p := Pass{ID: v.ID, Created: v.Created.Time, Start: v.Start.Time, UsableOnce: v.Once, usability: v.Usability}
		if v.Minutes > 0 && v.Minutes <= maxMinutes {
			p.Lifetime = time.Duration(v.Minutes) * time.Minute
		}
		held = append(held, p)
	}
	return held, nil
}

// maxMinutes is ten times the longest lifetime, 30 days. A longer one is ignored.
// Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass.
const maxMinutes = 10 * 43200

// timestamp reads a DateTimeOffset. If it cannot be read, it is zero, so that the pass itself can still be read.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		t.Time, _ = time.Parse(time.RFC3339Nano, text)
	}
	return nil
}

// Find returns the pass with the ID, nil if there is none. It ignores case.
func Find(held []Pass, id string) *Pass {
	for i := range held {
		if strings.EqualFold(held[i].ID, id) {
			return &held[i]
		}
	}
	return nil
}
